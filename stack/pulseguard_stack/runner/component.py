"""What the runner knows of a component: how it is started, and how it is seen to be ready."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from pulseguard_stack.runner.loopback import ask


@dataclass(frozen=True)
class Start:
    """A start of a component: when (by time.time()), and how long its log was then."""

    at: float
    log_bytes: int


# Whether it is ready, given its last start: what was so before does not count.
Readiness = Callable[[Start], bool]


@dataclass(frozen=True)
class Component:
    """One process of the stack; `environment` comes on top of that of the runner.

    It has `stop_seconds` to end by itself when it is asked to. `clear_away` ends what a process of
    it that was killed may have left. Where it is not `needed`, the stack can do without it. `once`
    are arguments of its first start only. One that `watches` ends first, lest it takes the end of
    the others for an outage.
    """

    name: str
    command: Sequence[str]
    log: Path
    is_ready: Readiness
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 10.0
    ready_seconds: float = 90.0
    needed: bool = True
    clear_away: Callable[[], None] = lambda: None
    once: Sequence[str] = ()
    watches: bool = False


def answers(url: str) -> Readiness:
    """Ready as soon as the address answers with a status of success."""
    return lambda start: ask(url).is_success


def has_logged(log: Path, words: bytes) -> Readiness:
    """Ready as soon as its log has these words."""

    def is_ready(start: Start) -> bool:
        with log.open("rb") as file:
            file.seek(start.log_bytes)
            return words in file.read()

    return is_ready


def is_online(registry_url: str, key_file: Path, *, environment: str, agent: str) -> Readiness:
    """Ready as soon as the registry has heard of the agent since the start."""
    query = urlencode({"environment": environment, "name": agent})

    def is_ready(start: Start) -> bool:
        key = key_file.read_text(encoding="ascii").strip()
        answer = ask(f"{registry_url}/api/v1/agents?{query}", key=key)
        agents = answer.document()["items"] if answer.is_success else []
        return any(
            each["status"] == "ONLINE" and _seconds(each["last_seen_at"]) >= start.at
            for each in agents
        )

    return is_ready


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
