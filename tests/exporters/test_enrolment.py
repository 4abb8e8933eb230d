"""An agent that is started with a key that enrols: it has its own from then on."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulseguard import Agent
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import wait_until

ENROLMENT = "pg_enrolment_x"


@pytest.fixture
def enrolling() -> Iterator[FakeRegistry]:
    """A registry that takes nothing but enrolments, and own keys."""
    with FakeRegistry(enrolment_key=ENROLMENT, enrols=True) as registry:
        yield registry


def enrolled(make_agent: MakeAgent, registry: FakeRegistry, folder: Path) -> Agent:
    """An agent that was started with the key, and has beaten with its own."""
    before = len(registry.requests)
    agent = make_agent(registry_url=registry.url, key=ENROLMENT, key_folder=folder)
    agent.start()
    wait_until(lambda: beats(registry, before))
    return agent


def beats(registry: FakeRegistry, since: int) -> list[str | None]:
    """The keys of the heartbeats that were taken."""
    with registry.lock:
        requests = registry.requests[since:]
    return [each.key for each in requests if each.path.endswith("heartbeat") and not each.fault]


def test_it_works_when_the_key_that_enrolled_it_has_ended_and_after_a_restart_too(
    make_agent: MakeAgent, enrolling: FakeRegistry, tmp_path: Path
) -> None:
    folder = tmp_path / "keys" / "of-agents"
    first = enrolled(make_agent, enrolling, folder)
    (path,) = folder.iterdir()
    enrolling.enrolment_key = None
    enrolling.forget()
    wait_until(lambda: enrolling.agents)
    first.stop()

    enrolled(make_agent, enrolling, folder)

    assert {each.key for each in enrolling.requests} == {ENROLMENT, "pg_agent_own0"}
    assert sum(each.key == ENROLMENT for each in enrolling.requests) == 1
    assert path.read_text() == "pg_agent_own0\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not [each for each in enrolling.requests if each.fault]


def test_enrolled_again_where_its_own_key_is_taken_no_longer_and_never_sent_elsewhere(
    make_agent: MakeAgent, enrolling: FakeRegistry, tmp_path: Path
) -> None:
    agent = enrolled(make_agent, enrolling, tmp_path)
    with enrolling.lock:
        enrolling.own_keys[:] = ["taken"]
    wait_until(lambda: "pg_agent_own1" in beats(enrolling, 0))
    agent.stop()
    (path,) = tmp_path.glob("*.key")
    assert path.read_text() == "pg_agent_own1\n"

    with FakeRegistry(enrolment_key=ENROLMENT, enrols=True) as other:
        enrolled(make_agent, other, tmp_path)

    assert [each.key for each in other.requests[:2]] == [ENROLMENT, "pg_agent_own0"]


def test_a_key_that_cannot_be_kept_is_told_and_used(
    make_agent: MakeAgent,
    enrolling: FakeRegistry,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "keys"
    agent = make_agent(strict=False, registry_url=enrolling.url, key=ENROLMENT, key_folder=folder)

    agent.start()
    wait_until(lambda: len(beats(enrolling, 0)) > 2)

    (line,) = [record.getMessage() for record in caplog.records if "keep" in record.getMessage()]
    assert f"PULSEGUARD_KEY_FOLDER='{folder}'" in line
    assert "pg_agent_own" not in caplog.text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text(""),
        lambda path: path.write_bytes(bytes(54)),
        lambda path: path.write_text("x" * 100_000),
        # For root there is no file that may not be read.
        lambda path: path.unlink() or path.symlink_to(path),
    ],
    ids=["empty", "zeros", "no key", "unreadable"],
)
def test_a_kept_key_that_cannot_be_used_is_told_once_and_the_agent_enrolled_again(
    make_agent: MakeAgent,
    enrolling: FakeRegistry,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], object],
) -> None:
    enrolled(make_agent, enrolling, tmp_path).stop()
    (path,) = tmp_path.glob("*.key")
    spoil(path)

    agent = make_agent(strict=False, registry_url=enrolling.url, key=ENROLMENT, key_folder=tmp_path)
    agent.start()
    wait_until(lambda: beats(enrolling, 0).count("pg_agent_own1") > 2)

    (line,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert f"file of the agent's own key='{path}'" in line
    assert "its folder is that of PULSEGUARD_KEY_FOLDER" in line
    assert "enrolled again" in line
    assert path.read_text() == "pg_agent_own1\n"
    assert {each.key for each in enrolling.requests} == {
        ENROLMENT,
        "pg_agent_own0",
        "pg_agent_own1",
    }
