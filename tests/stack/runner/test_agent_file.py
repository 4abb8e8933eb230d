"""A user has one agent file: the stack that started last has it, and gives it back."""

from __future__ import annotations

import json
from pathlib import Path

from pulseguard_stack.runner.agent_file import remove_agent_file, write_agent_file
from pulseguard_stack.runner.processes import Process, myself
from pulseguard_stack.runner.run_file import Addresses

ENDED = Process(1, "before the last boot/1")


def stack(number: int) -> Addresses:
    url = f"http://127.0.0.1:{number}"
    return Addresses(url, url, url, None, None)


def write(path: Path, number: int, runner: Process | None = None) -> None:
    write_agent_file(path, stack(number), Path(f"/keys/{number}"), runner or myself())


def told(path: Path) -> tuple[str, str]:
    document = json.loads(path.read_text())
    return document["registry_url"], document["key_file"]


def test_the_file_goes_back_to_the_stack_that_runs_on(tmp_path):
    path = tmp_path / "agent.json"
    write(path, 1)
    before = told(path)
    write(path, 2)
    assert told(path) == ("http://127.0.0.1:2", "/keys/2")

    remove_agent_file(path, stack(2))

    assert told(path) == before
    assert path.stat().st_mode & 0o777 == 0o600
    remove_agent_file(path, stack(1))
    assert not path.exists()


def test_one_that_ends_in_between_takes_nothing_from_the_others(tmp_path):
    path = tmp_path / "agent.json"
    write(path, 1)
    write(path, 2, ENDED)
    write(path, 3)

    remove_agent_file(path, stack(2))
    assert told(path) == ("http://127.0.0.1:3", "/keys/3")
    remove_agent_file(path, stack(3))

    assert told(path) == ("http://127.0.0.1:1", "/keys/1")


def test_the_file_of_a_stack_whose_runner_has_ended_is_not_put_back(tmp_path):
    path = tmp_path / "agent.json"
    write(path, 1, ENDED)
    write(path, 2)

    remove_agent_file(path, stack(2))

    assert not path.exists()


def test_a_file_that_is_not_ours_is_no_obstacle(tmp_path):
    path = tmp_path / "agent.json"
    for text in ("no JSON", "[]", '{"earlier": 3}', '{"runner_pid": "x", "earlier": [1]}'):
        path.write_text(text)
        write(path, 2)

        remove_agent_file(path, stack(2))

        assert not path.exists()
