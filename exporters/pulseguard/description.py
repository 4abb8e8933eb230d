"""What an agent says of itself when it registers."""

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, ParamSpec, TypeVar, get_args

from pulseguard.errors import ConfigurationError
from pulseguard.guard import Guard
from pulseguard.recording.labels import MAX_LENGTH, clean_label, clean_line

AgentType = Literal["LLM_AGENT", "TASK_AGENT", "API_AGENT", "MONITOR_AGENT", "DATA_AGENT", "CUSTOM"]
DeploymentType = Literal["DOCKER", "KUBERNETES", "LOCAL", "CLOUD", "SERVERLESS"]

_LONGEST_PROSE: Final = 2000
_MOST_TAGS: Final = 20
_MOST_LABELS: Final = 20
_LARGEST_CONFIG: Final = 16_384
# https://prometheus.io/docs/concepts/data_model/, without those that steer a scrape.
_LABEL_NAME: Final = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,119}")

Refuse = Callable[[ConfigurationError], None]
P = ParamSpec("P")
R = TypeVar("R")


class Description(NamedTuple):
    """The lasting facts about an agent, fit to be sent."""

    name: str
    type: str = "LLM_AGENT"
    version: str = ""
    description: str = ""
    deployment_type: str = "LOCAL"
    framework: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = MappingProxyType({})
    config: Mapping[str, object] = MappingProxyType({})

    @property
    def config_hash(self) -> str:
        """Twelve characters that change with the configuration; empty without one."""
        if not self.config:
            return ""
        import hashlib  # here: most agents state no configuration, and all pay for an import

        return hashlib.sha256(_json(self.config).encode()).hexdigest()[:12]

    def registration(
        self, *, instance: str, environment: str, team: str, metrics_address: str | None
    ) -> dict[str, object]:
        """The body of POST /agents."""
        return {
            "name": self.name,
            "instance": instance,
            "environment": environment,
            "type": self.type,
            "version": self.version,
            "description": self.description,
            "deployment_type": self.deployment_type,
            "host": host_name(),
            "team": team,
            "tags": list(self.tags),
            "labels": dict(self.labels),
            "config": dict(self.config),
            "metrics_address": metrics_address,
        }


def host_name() -> str:
    """The name of this machine, as the kernel has it: no name service is asked."""
    return clean_label(socket.gethostname()) or "localhost"


def describe(  # the fields of Description, unchecked: they come from somebody else's code
    *,
    name: object,
    type: object,
    version: object,
    description: object,
    deployment_type: object,
    framework: object,
    tags: object,
    labels: object,
    config: object,
    refuse: Refuse,
    guard: Guard,
) -> Description:
    """A description of usable values only, each for itself.

    What cannot be used is given to `refuse`; when that returns, a harmless value stands. So it
    does for a value that cannot even be read, which is the guard's.
    """

    def read(field: str, harmless: R, check: Callable[P, R], *args: P.args, **kw: P.kwargs) -> R:
        return guard.attempt(f"read the agent's {field}", harmless, check, *args, **kw)

    types, places, place = get_args(AgentType), get_args(DeploymentType), "deployment_type"
    return Description(
        name=read("name", "unnamed", _name, name, refuse),
        type=read("type", "CUSTOM", _choice, "type", type, types, "CUSTOM", refuse),
        version=read("version", "", _line, "version", version, refuse),
        description=read("description", "", _prose, "description", description, refuse),
        deployment_type=read(
            place, "LOCAL", _choice, place, deployment_type, places, "LOCAL", refuse
        ),
        framework=read("framework", "", _line, "framework", framework, refuse),
        tags=read("tags", (), _tags, tags, refuse),
        labels=read("labels", {}, _labels, labels, refuse),
        config=read("config", {}, _config, config, refuse),
    )


def _name(value: object, refuse: Refuse) -> str:
    if isinstance(value, str) and 1 <= len(value.strip()) <= 120:
        return clean_label(value.strip())
    refuse(ConfigurationError("name", _shown(value), "give 1 to 120 characters"))
    return (clean_label(value.strip()) if isinstance(value, str) else "") or "unnamed"


def _choice(
    field: str, value: object, choices: tuple[str, ...], fallback: str, refuse: Refuse
) -> str:
    if isinstance(value, str) and value in choices:
        return value
    refuse(ConfigurationError(field, _shown(value), f"give one of {', '.join(choices)}"))
    return fallback


def _line(field: str, value: object, refuse: Refuse) -> str:
    if isinstance(value, str) and len(value) <= MAX_LENGTH:
        return clean_label(value)
    refuse(ConfigurationError(field, _shown(value), f"give at most {MAX_LENGTH} characters"))
    return clean_label(value) if isinstance(value, str) else ""


def _prose(field: str, value: object, refuse: Refuse) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_PROSE:
        mend = f"give at most {_LONGEST_PROSE} characters"
        refuse(ConfigurationError(field, _shown(value), mend))
    text = value[:_LONGEST_PROSE] if isinstance(value, str) else ""
    return "\n".join(clean_line(line, len(line)) for line in text.splitlines())


def _tags(value: object, refuse: Refuse) -> tuple[str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        tags = tuple(islice(value, _MOST_TAGS + 1))
        if len(tags) <= _MOST_TAGS and all(isinstance(tag, str) and tag for tag in tags):
            return tuple(map(clean_label, tags))
    refuse(ConfigurationError("tags", _shown(value), f"give at most {_MOST_TAGS} words"))
    return ()


def _labels(value: object, refuse: Refuse) -> dict[str, str]:
    if isinstance(value, Mapping) and len(value) <= _MOST_LABELS:
        texts = {name: label for name, label in value.items() if isinstance(label, str)}
        if len(texts) == len(value) and all(map(_is_label_name, texts)):
            return {name: clean_label(label) for name, label in texts.items()}
    mend = f"give at most {_MOST_LABELS} texts by names of letters, digits and _"
    refuse(ConfigurationError("labels", _shown(value), mend))
    return {}


def _is_label_name(name: object) -> bool:
    return isinstance(name, str) and bool(_LABEL_NAME.fullmatch(name))


def _config(value: object, refuse: Refuse) -> dict[str, object]:
    mend = f"give values by name that JSON knows, at most {_LARGEST_CONFIG} bytes in all"
    if not isinstance(value, Mapping):
        refuse(ConfigurationError("config", _shown(value), mend))
        return {}
    try:
        text = _json(dict(value))
    except (TypeError, ValueError, RecursionError):
        text = ""
    if not 0 < len(text.encode()) <= _LARGEST_CONFIG:
        refuse(ConfigurationError("config", _shown(value), mend))
        return {}
    return _from_json(text)


def _json(value: object) -> str:
    import json  # here, as above

    text = json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)
    # No database takes what these two stand for; the rest of the text is worth keeping.
    return text.encode("utf-8", "replace").decode().replace("\\u0000", "?")


def _from_json(text: str) -> dict[str, object]:
    import json  # here, as above

    value: dict[str, object] = json.loads(text)
    return value


def _shown(value: object) -> str:
    return value[:40] if isinstance(value, str) else type(value).__name__
