"""Where the view asks: flags, else what runs on this machine (stack/run.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pulseguard.web_address import is_web_address
from pulseguard_registry.data_dir import default_data_dir
from pulseguard_registry.errors import ConfigurationError
from pulseguard_registry.secrets_folder import read_key
from pulseguard_stack.errors import StackError
from pulseguard_stack.runner.places import Places


class SettingsRefused(StackError):
    """A setting of the view that cannot be used; one line with the mend."""


@dataclass(frozen=True)
class Endpoints:
    """The two sources; None is one that nobody named."""

    registry_url: str | None
    key: str | None = field(repr=False)
    prometheus_url: str | None
    # Of the stack on this machine, and only where that is what is looked at.
    runner_log: Path | None = None
    # What else is where, in words, of the same stack.
    addresses: Sequence[str] = ()
    # Where the key lies.
    key_file: Path | None = None
    # Of the stack that was looked for.
    data_dir: Path | None = None
    # Whose receivers tell people of alerts.
    alertmanager_url: str | None = None

    @property
    def key_origin(self) -> str:
        """What a complaint calls the key."""
        return f"the key file {self.key_file}" if self.key_file else "a request without a key"

    @property
    def nothing_is_known(self) -> bool:
        """Whether there is nobody to ask."""
        return self.registry_url is None and self.prometheus_url is None


def find_endpoints(
    registry_url: str | None,
    key_file: Path | None,
    prometheus_url: str | None,
    data_dir: Path | None,
    environment: Mapping[str, str],
) -> Endpoints:
    """The flags, completed by run.json; SettingsRefused where one cannot be used.

    The key of run.json belongs to the registry of run.json: it is sent to no other.
    """
    places = _places(data_dir, environment)
    run = _read_run(places.run_file)
    looks_here = bool(run) and registry_url is None and prometheus_url is None
    if registry_url is None:
        registry_url = _text(run, "registry_url")
        key_file = key_file or _path(run, "viewer_key_file")
    return Endpoints(
        _url("--registry-url", registry_url),
        None if key_file is None else _key(key_file),
        _url("--prometheus-url", prometheus_url or _text(run, "prometheus_url")),
        places.log("runner") if looks_here else None,
        _addresses(run) if looks_here else (),
        key_file,
        places.data_dir,
        _alertmanager(run) if looks_here else None,
    )


def _places(data_dir: Path | None, environment: Mapping[str, str]) -> Places:
    named = environment.get("PULSEGUARD_DATA_DIR")
    return Places(data_dir or (Path(named) if named else default_data_dir()))


def _read_run(path: Path) -> Mapping[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise SettingsRefused(
            f"{path} cannot be read by this user; look as the user who ran `make up`"
        ) from None
    except (OSError, ValueError) as error:
        raise SettingsRefused(f"{path} cannot be read ({error}); run `make up` again") from None
    return document if isinstance(document, dict) else {}


def _addresses(run: Mapping[str, object]) -> list[str]:
    """Each with its name, as `make up` says them; without what does not run."""
    named = {
        "registry": _text(run, "registry_url"),
        "Prometheus": _text(run, "prometheus_url"),
        "Alertmanager": _text(run, "alertmanager_url"),
        "Grafana": _text(run, "grafana_url"),
    }
    key_file = _path(run, "viewer_key_file")
    if key_file is not None:
        named["keys"] = str(key_file.parent)
    return [f"{name} {said}" for name, said in named.items() if said and said.isprintable()]


def _alertmanager(run: Mapping[str, object]) -> str | None:
    """Where it can be asked; nothing depends on it, so what is no address is passed over."""
    url = _text(run, "alertmanager_url")
    return url if url and is_web_address(url) else None


def _text(run: Mapping[str, object], name: str) -> str | None:
    value = run.get(name)
    return value if isinstance(value, str) and value else None


def _path(run: Mapping[str, object], name: str) -> Path | None:
    value = _text(run, name)
    return None if value is None else Path(value)


def _key(path: Path) -> str:
    try:
        return read_key(path)
    except ConfigurationError as error:
        raise SettingsRefused(str(error)) from None


def _url(flag: str, value: str | None) -> str | None:
    if value is None:
        return None
    if not is_web_address(value):
        raise SettingsRefused(f"{flag}: {value!r} is no address; give http://host:port")
    return value.rstrip("/")
