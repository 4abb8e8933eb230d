"""Whoever types what the README says, from its first line to its last, gets what it promises."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from pulseguard_stack.runner.loopback import ask
from tests.checkout import REPOSITORY
from tests.readme.page import Page
from tests.readme.terminal import Terminal
from tests.server_folder import server_folder
from tests.started_program import eventually

SEEN_SECONDS = 30
RECORDED = REPOSITORY / "prometheus" / "rules" / "agent.yml"
# What is run elsewhere: the file that does it, and words of it.
ELSEWHERE = {
    "make test": (".ci/run", "make test"),
    "make secrets && docker compose up -d --wait": (
        "tests/containers/conftest.py",
        'make("secrets")',
    ),
}


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def terminal(page: Page) -> Iterator[Terminal]:
    with server_folder() as folder:
        made = Terminal(folder, page.ports())
        (made.checkout / "my_agent.py").write_text(page.program(), encoding="utf-8")
        try:
            yield made
        finally:
            made.run("make down")


def test_what_the_readme_says_to_type_does_what_it_says(terminal: Terminal, page: Page) -> None:
    make_up(terminal, page)
    make_up_again(terminal, page)
    make_up_on_another_port(terminal, page)
    run_the_parts(terminal, page)
    for command, (file, words) in ELSEWHERE.items():
        page.command(command)
        assert words in (REPOSITORY / file).read_text(encoding="utf-8"), file

    assert not page.left, "say here what they do, or name above who runs them"


def make_up(terminal: Terminal, page: Page) -> None:
    """The whole stack with its demo, and an agent of the reader's own."""
    terminal.run(page.command("make up DETACH=1"))
    status = page.command(".venv/bin/pulseguard status")
    with (
        terminal.running(f"{status} {page.command('--watch')}") as view,
        terminal.running(page.command("my_agent.py")),
    ):
        began = time.monotonic()
        eventually(lambda: own_agent(terminal), timeout_seconds=SEEN_SECONDS)
        eventually(
            lambda: "invoice-bot" in view.said(),
            timeout_seconds=began + SEEN_SECONDS - time.monotonic(),
        )
        (labels,) = own_agent(terminal)
        assert labels["environment"] == "production"
        eventually(lambda: "gpt-4o" in metrics_page(terminal))

        for command in (status, f"{status} {page.command('--wide')}"):
            assert {"invoice-bot", "coder"} <= set(re.findall(r"[\w-]+", terminal.run(command)))
        shown = json.loads(terminal.run(f"{status} {page.command('--json')}"))["agents"]
        assert "production" in {each["environment"] for each in shown}
        assert "Agents" in terminal.run(page.command("dashboards preview fleet"))
        assert "ok" in terminal.run(page.command(".venv/bin/pulseguard doctor"))
    stop(terminal, page)


def make_up_again(terminal: Terminal, page: Page) -> None:
    """In the foreground, on what the first run has left, and without the demo."""
    with terminal.running(page.command("make up"), DEMO="0") as up:
        eventually(lambda: "PulseGuard is running" in up.said(), timeout_seconds=60)
        known = json.loads(terminal.run(f"{page.command('.venv/bin/pulseguard status')} --json"))
        assert {"invoice-bot", "coder"} <= {each["name"] for each in known["agents"]}
        past = "last_over_time(up{job='agents', agent='coder'}[10m])"
        assert query(terminal, past)
        up.end()
    assert terminal.processes() == []


def make_up_on_another_port(terminal: Terminal, page: Page) -> None:
    """The port of the README's flag, and an end that comes from elsewhere."""
    command = page.command("pulseguard up --prometheus-port")
    (port,) = re.findall(r"--prometheus-port (\d+)", command)
    with terminal.running(command):
        ready = f"{terminal.url(int(port))}/-/ready"
        eventually(lambda: ask(ready).is_success, timeout_seconds=60)
        stop(terminal, page)


def stop(terminal: Terminal, page: Page) -> None:
    """All of it, and nothing is left."""
    assert terminal.processes()
    terminal.run(page.command("make down"))
    assert terminal.processes() == []


def run_the_parts(terminal: Terminal, page: Page) -> None:
    """Registry, sync, Prometheus and an agent, each in a terminal of its own."""
    registry = {"PULSEGUARD_PORT": terminal.here("8000")}
    settings = {name: terminal.here(value) for name, value in page.settings().items()}
    with ExitStack() as parts:
        parts.enter_context(terminal.running(page.command("registry serve"), **registry))
        ready = f"{terminal.url(8000)}/api/v1/health/ready"
        eventually(lambda: ask(ready).is_success)
        terminal.run(page.command("keys create"), **registry)
        there = {"PULSEGUARD_REGISTRY_URL": terminal.url(8000)}
        parts.enter_context(terminal.running(page.command("pulseguard sync"), **there))
        parts.enter_context(terminal.running(page.command("sed -E")))
        parts.enter_context(terminal.running(page.command("my_agent.py"), **settings))
        (labels,) = eventually(lambda: own_agent(terminal), timeout_seconds=SEEN_SECONDS)
        assert page.labels() <= set(labels)
        # It says nothing of its confidence.
        told = fields() - {"confidence_score"}
        eventually(lambda: recorded(terminal) == told, timeout_seconds=60)
    assert terminal.processes() == []


def own_agent(terminal: Terminal) -> list[dict[str, str]]:
    """The labels under which Prometheus reaches the reader's agent; nothing while it does not."""
    return query(terminal, "up{job='agents', agent='invoice-bot'} == 1")


def metrics_page(terminal: Terminal) -> str:
    """What the reader's agent exposes, where Prometheus scrapes it."""
    (labels,) = own_agent(terminal)
    targets = ask(f"{terminal.url(9090)}/api/v1/targets?state=active").document()["data"]
    (url,) = (
        each["scrapeUrl"]
        for each in targets["activeTargets"]
        if each["labels"].get("agent_id") == labels["agent_id"]
    )
    return ask(url).body.decode()


def fields() -> set[str]:
    """The eight."""
    named = re.findall(r"record: pulseguard:agent_(\w+):", RECORDED.read_text(encoding="utf-8"))
    assert len(named) == 8
    return set(named)


def recorded(terminal: Terminal) -> set[str]:
    """Those of the reader's agent that Prometheus has recorded."""
    pattern = "|".join(f"pulseguard:agent_{field}:[^_]+" for field in fields())
    found = query(terminal, f"{{__name__=~'{pattern}', agent='invoice-bot'}}")
    return {labels["__name__"].split(":")[1].removeprefix("agent_") for labels in found}


def query(terminal: Terminal, expression: str) -> list[dict[str, str]]:
    """The labels of what Prometheus has now."""
    answer = ask(f"{terminal.url(9090)}/api/v1/query?query={quote(expression)}")
    found = answer.document()["data"]["result"] if answer.is_success else []
    return [each["metric"] for each in found]
