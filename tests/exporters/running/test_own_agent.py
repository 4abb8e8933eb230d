"""Programs under `pulseguard run` that make an agent of their own, which is the one that counts."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pulseguard.catalog import PROCESSES
from tests.exporters.instrumentation.model_server import ModelServer, model_server
from tests.exporters.observing import total, wait_until
from tests.exporters.running.conftest import Runner, line
from tests.exporters.running.test_python import OPENAI, calls

OWN = """
from pulseguard import Agent
agent = Agent("{name}", version="9")
agent.start()
"""
WAITING = """
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server("--first-token-median", "0", "--token-median", "0") as running:
        yield running


@pytest.fixture(autouse=True)
def _way_to_server(server: ModelServer, runner: Runner) -> None:
    runner.variables = {"MODEL_SERVER": f"{server.url}/v1"}
    runner.patience_seconds = None


@pytest.mark.parametrize("first", ["own", "openai"])
def test_the_programs_own_agent_is_the_only_one(runner: Runner, first: str) -> None:
    # On a busy machine the client alone takes longer to import than is shipped.
    runner.patience_seconds = 20
    parts = (OWN.format(name="invoice-bot"), OPENAI)
    code = "".join(parts if first == "own" else reversed(parts))
    process = runner.python(f"{code}\ncall()\n{WAITING}")
    line(process)

    page = runner.page_of("invoice-bot")
    process.communicate("\n", timeout=10)

    assert calls(page) == 2
    assert total(page, PROCESSES) == 1
    assert runner.names() == ["invoice-bot"]
    assert runner.agent()["version"] == "9"
    assert process.returncode == 0


def last_beaters(runner: Runner) -> list[str]:
    """Which processes the last three heartbeats were of."""
    with runner.registry.lock:
        bodies = [each.body for each in runner.registry.requests]
    return [body["process"] for body in bodies if "process" in body][-3:]


def test_the_runs_agent_says_goodbye_to_one_that_comes_late(runner: Runner) -> None:
    own = OWN.format(name="invoice-bot")
    process = runner.python(f"import sys\nprint('there', flush=True)\ninput()\n{own}\n{WAITING}")
    line(process)
    late = runner.agent()
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    line(process)

    wait_until(lambda: runner.registry.goodbyes)

    assert late["name"] == "agent"
    assert runner.names() == ["agent", "invoice-bot"]
    assert total(runner.page_of("invoice-bot"), PROCESSES) == 1
    assert len(runner.registry.goodbyes) == 1


@pytest.mark.parametrize("given", [(), ("--instance", "one")])
@pytest.mark.parametrize("late", [False, True])
def test_the_same_agent_within_and_without_is_one_registration(
    runner: Runner, given: tuple[str, ...], late: bool
) -> None:
    of_the_run: set[str] = set()
    wait = "print('there', flush=True)\ninput()\n"
    own = OWN.format(name="invoice-bot")
    code = f"import sys\n{wait if late else ''}{own}\n{WAITING}"
    process = runner.python(code, "--name", "invoice-bot", *given)
    if late:
        line(process)
        assert runner.agent()["version"] == ""
        wait_until(lambda: runner.registry.beating)
        of_the_run = set(runner.registry.beating.values())
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    line(process)

    wait_until(lambda: runner.agents() and runner.agent()["version"] == "9")
    wait_until(lambda: total(runner.page(), PROCESSES) == 1)
    # The run's agent may have a last word under way, and only who beat last is heeded.
    wait_until(lambda: of_the_run.isdisjoint(last_beaters(runner)))

    assert runner.names() == ["invoice-bot"]
    assert runner.registry.goodbyes == []
    process.communicate("\n", timeout=10)
    assert len(runner.registry.goodbyes) == 1


def test_signals_and_status_pass_through_as_before(runner: Runner) -> None:
    process = runner.python(f"import sys\n{OWN.format(name='invoice-bot')}\n{WAITING}")
    line(process)
    runner.agent()

    process.terminate()

    assert process.wait(10) == -signal.SIGTERM
    assert len(runner.registry.goodbyes) == 1
