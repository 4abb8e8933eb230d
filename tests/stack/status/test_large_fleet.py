"""A fleet of more agents than a terminal has lines, shown once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import pytest

from pulseguard_stack.status.command import main
from tests.stack.status.fakes import agent, alert, fake_server, prometheus_of, registry_of

AGENTS = [agent(f"agent-{number:03}") for number in range(59)]
TROUBLED = agent("in-trouble", status="OFFLINE", status_reason="silent")


class Terminal(StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 160 columns and 24 lines, without colours."""
    for name, value in {"COLUMNS": "160", "LINES": "24", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)


def show(*arguments: str, screen: StringIO) -> str:
    """What `pulseguard status` writes."""
    with redirect_stdout(screen):
        assert main(arguments) == 0
    return screen.getvalue()


@pytest.fixture(scope="module")
def urls() -> Iterator[tuple[str, ...]]:
    """The flags that name a registry and a Prometheus with 60 agents, of whom the last is bad."""
    agents = [*AGENTS, TROUBLED]
    firing = [alert("AgentDown", "in-trouble")]
    with (
        fake_server(registry_of(agents, firing)) as registry,
        fake_server(prometheus_of(agents)) as prometheus,
    ):
        yield "--registry-url", registry.url, "--prometheus-url", prometheus.url


def test_a_terminal_keeps_in_sight_what_matters_and_says_how_to_see_the_rest(
    urls: tuple[str, ...],
) -> None:
    lines = show(*urls, screen=Terminal()).splitlines()

    # The command above and the prompt below have a line each.
    assert len(lines) == 22
    assert lines[0].startswith("PulseGuard  60 agents, 1 in trouble")
    assert lines[4].split()[:3] == ["!!", "in-trouble", "OFFLINE"]
    left_out = 59 - sum("ONLINE" in line for line in lines)
    more = f"… and {left_out} more, none in a worse state: pulseguard status --wide shows all"
    assert more in lines
    assert any(line.startswith("!! AgentDown in-trouble, for") for line in lines)


@pytest.mark.parametrize(("screen", "flags"), [(Terminal, ["--wide"]), (StringIO, [])])
def test_asked_for_wide_or_piped_every_agent_is_shown(
    urls: tuple[str, ...], screen: type[StringIO], flags: list[str]
) -> None:
    lines = show(*urls, *flags, screen=screen()).splitlines()

    assert sum("ONLINE" in line for line in lines) == 59


def test_programs_get_every_agent_whatever_the_terminal(urls: tuple[str, ...]) -> None:
    assert len(json.loads(show(*urls, "--json", screen=Terminal()))["agents"]) == 60
