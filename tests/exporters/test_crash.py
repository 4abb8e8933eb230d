"""An agent that an exception has ended is missed; one that was ended on purpose is not."""

from pathlib import Path

import pytest

from tests.exporters.ending import AGENT, Processes, heartbeats, run_agent, start
from tests.exporters.fake_registry import FakeRegistry

# As what runs tests or serves requests does: it prints an exception, and goes on.
GOES_ON = """
def fail():
    1 / 0
def run():
    try:
        fail()
    except ZeroDivisionError as error:
        sys.last_exc = sys.last_value = error
        sys.last_traceback = error.__traceback__
run()
"""
FAILS = "raise RuntimeError('the agent fails')"


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise SystemExit('the agent has had enough')", 1),
        ("import asyncio; raise asyncio.CancelledError", 1),
        (f"threading.Thread(target=lambda: 1 / 0).start()\n{GOES_ON}", 0),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", None),
        (f"sys.ps1 = '>>> '\n{FAILS}", 1),
        (f"agent.stop()\n{FAILS}", 1),
    ],
)
def test_an_end_that_somebody_asked_for_says_goodbye(
    registry: FakeRegistry, processes: Processes, tmp_path: Path, after: str, status: int | None
) -> None:
    process = run_agent(processes, registry.url, tmp_path, after)

    assert process.wait(10) == status or status is None
    assert len(registry.goodbyes) == 1
    assert registry.total("tasks_completed") == 1


@pytest.mark.parametrize(
    "after",
    [
        FAILS,
        "import asyncio\nasync def main(): 1 / 0\nasyncio.run(main())",
        "import no_such_module",
        f"try:\n    1 / 0\nfinally:\n    {FAILS}",
    ],
)
def test_an_agent_that_an_exception_has_ended_is_missed(
    registry: FakeRegistry, processes: Processes, tmp_path: Path, after: str
) -> None:
    process = run_agent(processes, registry.url, tmp_path, after)

    assert process.wait(10) == 1
    assert registry.goodbyes == []
    assert heartbeats(registry)[-1] == {"state": "failed", "goodbye": False}
    assert registry.total("tasks_completed") == 1


def test_a_module_that_fails_is_missed_as_a_script_is(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    (tmp_path / "the_agent.py").write_text(AGENT.format(before="", after=FAILS))
    process = start(processes, registry.url, tmp_path, "-m", "the_agent")

    assert process.wait(10) == 1
    assert registry.goodbyes == []
    assert heartbeats(registry)[-1]["state"] == "failed"


def test_the_last_process_of_an_agent_is_missed_where_an_exception_ends_it(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    fork = f"child = os.fork()\nif child: os.waitpid(child, 0)\n{FAILS}"
    process = run_agent(processes, registry.url, tmp_path, fork)

    assert process.wait(10) == 1
    assert registry.goodbyes == []
    assert heartbeats(registry)[-1]["state"] == "failed"
