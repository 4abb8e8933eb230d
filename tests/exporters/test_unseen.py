"""An agent that was made and records, but was never started: one line says so at the end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LINE = (
    "the agent invoice-bot has recorded something that nobody could see: it was never started; "
    "call agent.start()"
)
UNSEEN = {
    "at the exit": "agent = made(); work(agent)",
    "gone before the exit": "work(made())",
    "by an error": "agent = made(); work(agent); sys.excepthook = lambda *_: None; 1 / 0",
    "by SIGTERM": "agent = made(); work(agent); os.kill(os.getpid(), 15); time.sleep(9)",
    "of two with one name": "agents = made(), made(); [work(each) for each in agents]",
    "in a metric of its own": "agent = made(); agent.counter('pages_total', 'Pages.').inc()",
    "in its task queue": "agent = made(); agent.queue(pending=3); forked(lambda: None)",
    "in a queue to ask": "agent = made(); agent.watch_queue(lambda: 1 / 0); forked(lambda: None)",
    "by the parent": "agent = made(); work(agent); gone = work(made()); forked(lambda: None)",
    "by the child": "agent = made(); forked(lambda: work(agent))",
}
SEEN = {
    "started": "agent = made(); work(agent); agent.start()",
    "stopped": "agent = made(); agent.start(); agent.stop(0); work(agent)",
    "started and forked": "agent = made(); agent.start(); forked(lambda: work(agent))",
    "stopped and forked": "a = made(); a.start(); a.stop(0); forked(lambda: work(a))",
    "without a record": "agent = made(); forked(lambda: None)",
    "with a refusal": "agent = made(); agent.evaluation('accuracy', 7.0); forked(lambda: None)",
    "strict, as in tests": "agent = made(strict=True); work(agent)",
}
# Each in a process of its own, which is cheaper forked than begun.
EACH = """
import json, os, sys, time
from pulseguard import Agent

def made(**arguments):
    return Agent("invoice-bot", metrics_port=0, **arguments)

def work(agent):
    with agent.task():
        pass

def forked(action):
    child = os.fork()
    if child == 0:
        action()
        sys.exit()
    os.waitpid(child, 0)

for name, code in json.loads(sys.argv[1]).items():
    if os.fork() == 0:
        os.dup2(os.open(f"{name}.log", os.O_WRONLY | os.O_CREAT), 2)
        exec(code)
        sys.exit()
for _ in range(len(json.loads(sys.argv[1]))):
    os.wait()
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each of them has logged of agents that were never started."""
    folder: Path = tmp_path_factory.mktemp("unseen")
    cases = UNSEEN | SEEN
    subprocess.run(
        [sys.executable, "-c", EACH, json.dumps(cases)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), "XDG_STATE_HOME": str(folder)},
        check=True,
        timeout=60,
    )
    said = {name: (folder / f"{name}.log").read_text().splitlines() for name in cases}
    return {name: [each for each in lines if "started" in each] for name, lines in said.items()}


@pytest.mark.parametrize("case", UNSEEN)
def test_what_nobody_could_see_is_told_once(logs: dict[str, list[str]], case: str) -> None:
    assert logs[case] == [LINE]


@pytest.mark.parametrize("case", SEEN)
def test_nobody_is_alarmed_by_an_agent(logs: dict[str, list[str]], case: str) -> None:
    assert logs[case] == []
