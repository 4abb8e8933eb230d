"""Which secrets there are, in the order in which they are written, and what each has to hold."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pulseguard_registry.access.tokens import ALPHABET, is_well_formed, make_token
from pulseguard_registry.errors import ConfigurationError
from pulseguard_registry.pepper import check_pepper
from pulseguard_stack.deployment import database_url

# By its path below secrets/, without the newline at its end.
Texts = Mapping[str, str]

# What one service mounts, each. `receivers` is the operator's: nothing is made there.
FOLDERS: Final = ("postgres", "registry", "prometheus", "demo-agents", "grafana", "receivers")
PASSWORD: Final = "postgres/postgres.password"
URL: Final = "registry/database.url"
PEPPER: Final = "registry/pepper"
ADMIN_KEY: Final = "registry/admin.key"
# By the role of each; a copy of two of them lies where its service mounts it.
KEYS: Final[Texts] = {
    "registry/prometheus.key": "prometheus",
    "registry/agents.key": "agent",
    "registry/demo.key": "agent",
    ADMIN_KEY: "admin",
}
COPIES: Final[Texts] = {
    "prometheus/prometheus.key": "registry/prometheus.key",
    "demo-agents/demo.key": "registry/demo.key",
}
GRAFANA: Final = ("grafana/admin.password", "grafana/secret.key")
# The services have these in their data as well, or data that only these open.
REMEMBERED: Final = (PASSWORD, PEPPER, *GRAFANA)


@dataclass(frozen=True)
class SecretFile:
    """A file below secrets/.

    `text` is what it is to hold, by what all files hold now and those before it are to hold.
    `fault` is what is wrong with what it holds, in words that follow its name, or ""; a copy has
    none, since it is put right.
    """

    path: str
    text: Callable[[Texts, Texts], str]
    fault: Callable[[str], str] | None = None


def planned(held: Texts) -> dict[str, str]:
    """What each file is to hold, in the order of writing: what is there stays, and copies are of
    what they are copies of."""
    wanted: dict[str, str] = {}
    for file in FILES:
        wanted[file.path] = file.text(held, wanted)
    return wanted


def random_text(length: int) -> str:
    """Letters and digits: what no shell, URL or configuration file takes for anything else."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _own(path: str, make: Callable[[], str], fault: Callable[[str], str]) -> SecretFile:
    return SecretFile(path, lambda held, _: held[path] if path in held else make(), fault)


def _key(path: str) -> SecretFile:
    role = KEYS[path]
    return _own(path, lambda: make_token(role), lambda text: _key_fault(text, role))


def _copy(path: str) -> SecretFile:
    return SecretFile(path, lambda _, wanted: wanted[COPIES[path]])


def _password(held: Texts, _: Texts) -> str:
    # PostgreSQL has it in its data: where the file is lost, the registry's is not given up too.
    return held.get(PASSWORD) or database_url.password_in(held.get(URL, "")) or random_text(40)


def _url(held: Texts, wanted: Texts) -> str:
    if URL not in held:
        return database_url.new_url(wanted[PASSWORD])
    return database_url.with_password(held[URL], wanted[PASSWORD])


def _key_fault(text: str, role: str) -> str:
    if is_well_formed(text) and text.startswith(f"pg_{role}_"):
        return ""
    return f"holds no well-formed API key of the role {role}"


def _word_fault(text: str) -> str:
    is_word = text.isprintable() and " " not in text
    return "" if is_word else "holds a space or a line break within the secret"


def _grafana_fault(text: str) -> str:
    return "holds a $, which Grafana takes for a variable" if "$" in text else _word_fault(text)


def _url_fault(text: str) -> str:
    is_url = database_url.is_url(text) and not _word_fault(text)
    return "" if is_url else "holds no URL postgresql://user:password@host:port/database"


def _pepper_fault(text: str) -> str:
    try:
        check_pepper(text, PEPPER)
    except ConfigurationError:
        return "holds fewer than 32 characters, or hardly random ones"
    return ""


# The admin key is the last: that it is there tells the services that all are.
FILES: Final = (
    SecretFile(PASSWORD, _password, _word_fault),
    SecretFile(URL, _url, _url_fault),
    _own(PEPPER, lambda: random_text(43), _pepper_fault),
    *(_key(path) for path in KEYS if path != ADMIN_KEY),
    *(_copy(path) for path in COPIES),
    *(_own(path, lambda: random_text(40), _grafana_fault) for path in GRAFANA),
    _key(ADMIN_KEY),
)
