"""A PULSEGUARD_RUN that tells of no run: the agent is what it would be without the variable."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulseguard.catalog import EXPORTER_FAILURES
from pulseguard.description import host_name
from pulseguard.running.run import OWN_AGENT, VARIABLE, Run
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total

Fields = dict[str, Any]


def told(folder: Path) -> Run:
    libraries = ("openai",)
    name, instance, process = "invoice-bot", "of-the-run", os.getpid()
    of, team, version = "production", "finance", "1.0"
    return Run(name, version, "LLM_AGENT", of, instance, team, libraries, str(folder), process)


def changed(**fields: object) -> Callable[[Fields], str]:
    return lambda told: json.dumps({**told, **fields})


def without(field: str) -> Callable[[Fields], str]:
    return lambda told: json.dumps({name: told[name] for name in told if name != field})


BROKEN: dict[str, Callable[[Fields], str]] = {
    "no JSON": lambda told: "yes",
    "half of it": lambda told: json.dumps(told)[:-9],
    "too deep": lambda told: "[" * 100_000,
    "a number": lambda told: "7",
    "a list": lambda told: "[]",
    "null": lambda told: "null",
    "a field less": without("name"),
    "no libraries": without("libraries"),
    "a field more": changed(more=1),
    "an instance that is none": changed(instance=None),
    "an empty instance": changed(instance=""),
    "a list as name": changed(name=["invoice-bot"]),
    "libraries that are a number": changed(libraries=7),
    "libraries of numbers": changed(libraries=[7]),
    "a process that is text": changed(process="7"),
    "a process below zero": changed(process=-7),
    "an unknown type": changed(type=["LLM_AGENT"]),
    "a folder that is a number": changed(folder=7),
    "a folder that cannot be": changed(folder="\0"),
    "a folder that is gone": changed(folder="/nowhere/run-7"),
    "a file": changed(folder="/etc/hostname"),
    "somebody else's folder": changed(folder="/proc/1"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run-7"
    made.mkdir(0o700)
    return made


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_an_agent_falls_back_to_its_slot_where_the_variable_tells_of_no_run(
    make_agent: MakeAgent,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    broken: Callable[[Fields], str],
) -> None:
    monkeypatch.setenv(VARIABLE, broken(told(folder)._asdict()).replace("\0", "\\u0000"))
    agent = make_agent(strict=False)

    agent.start()

    assert agent.instance == f"{host_name()}-0"
    assert agent.metrics_address is not None
    assert total(scrape(agent), EXPORTER_FAILURES) == 0


def test_an_agent_takes_the_instance_of_a_run_that_there_is(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv(VARIABLE, told(folder).encode())
    agent = make_agent()

    agent.start()

    assert agent.instance == "of-the-run"
    assert Path(folder, OWN_AGENT).exists()


def test_a_folder_that_is_another_users_is_of_no_run_of_this_one(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv(VARIABLE, told(folder).encode())
    monkeypatch.setattr("pulseguard.running.run.os.geteuid", lambda: 12_345)
    agent = make_agent(strict=False)

    agent.start()

    assert agent.instance == f"{host_name()}-0"
    assert list(folder.iterdir()) == []


def test_a_folder_that_others_may_write_into_is_of_no_run(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv(VARIABLE, told(folder).encode())
    folder.chmod(0o777)
    agent = make_agent(strict=False)

    agent.start()

    assert agent.instance == f"{host_name()}-0"
    assert list(folder.iterdir()) == []
