"""A setting that is wrong is named in one clear line, with its value and the mend; work goes on."""

import errno
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from pulseguard import Agent
from pulseguard.recording.quota import LARGEST_LIMIT, SMALLEST_LIMIT
from pulseguard.settings import (
    LONGEST_PATIENCE_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    Settings,
    stand_in,
)
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, wait_until

SECRET = "pg_agent_xyzzy"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING)
    return caplog


def refuse_ports(*_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_port_that_is_not_the_users_is_named(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    # Root may have any port.
    monkeypatch.setattr("pulseguard.scraping.server._listen", refuse_ports)
    agent = make_agent(strict=False, metrics_port=80)

    agent.start()

    (line,) = [line for line in told.messages if "open /metrics" in line]
    assert "PULSEGUARD_METRICS_PORT=80 cannot be used" in line
    assert "1024" in line
    assert agent.metrics_address is None
    assert "None" not in told.text
    agent.evaluation("accuracy", 1)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.7", "x" * 70 + ".example"])
def test_a_host_that_is_not_of_this_machine_is_named(
    make_agent: MakeAgent, told: pytest.LogCaptureFixture, host: str
) -> None:
    agent = make_agent(strict=False, metrics_host=host)

    agent.start()

    (line,) = [line for line in told.messages if "open /metrics" in line]
    assert f"PULSEGUARD_METRICS_HOST='{host}' cannot be used" in line
    assert "0.0.0.0" in line


def unusable(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that hold no secret, each with a word of what is said of it."""
    binary, accented, empty = folder / "binary", folder / "accented", folder / "empty"
    binary.write_bytes(bytes(range(256)))
    accented.write_text(f"{SECRET}é")
    empty.touch()
    return {
        "missing": (folder / "missing", "no such file"),
        "folder": (folder, "it is a folder"),
        "binary": (binary, "ASCII"),
        "accented": (accented, "ASCII"),
        "empty": (empty, "holds no key"),
    }


FILES = ("missing", "folder", "binary", "accented", "empty")


@pytest.mark.parametrize("kind", FILES)
def test_a_token_file_that_cannot_be_used_is_named_and_nothing_is_open(
    make_agent: MakeAgent, tmp_path: Path, told: pytest.LogCaptureFixture, kind: str
) -> None:
    path, word = unusable(tmp_path)[kind]
    agent = make_agent(strict=False, metrics_token_file=path)

    agent.start()

    (line,) = [line for line in told.messages if "open /metrics" in line]
    assert f"PULSEGUARD_METRICS_TOKEN_FILE='{path}' cannot be used" in line
    assert word in line
    assert SECRET not in told.text
    assert agent.metrics_address is None


@pytest.mark.parametrize("kind", FILES)
def test_a_key_file_that_cannot_be_used_is_the_one_thing_told(
    make_agent: MakeAgent,
    registry: FakeRegistry,
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    registry.key = SECRET
    path, word = unusable(tmp_path)[kind]
    agent = make_agent(strict=False, registry_url=registry.url, key_file=path)

    agent.start()
    wait_until(lambda: scrape(agent).count('operation="read the key"'))
    agent.stop(timeout_seconds=0.5)

    (line,) = told.messages
    assert f"PULSEGUARD_KEY_FILE='{path}' cannot be used" in line
    assert word in line
    assert SECRET not in line
    assert registry.requests == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_key_file_of_somebody_else_is_named(
    make_agent: MakeAgent, registry: FakeRegistry, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "key"
    path.touch(mode=0)
    make_agent(strict=False, registry_url=registry.url, key_file=path).start()

    wait_until(lambda: "this user may not read it" in told.text)


def test_a_key_file_that_comes_late_is_used(
    make_agent: MakeAgent, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.key = SECRET
    path = tmp_path / "key"
    agent = make_agent(strict=False, registry_url=registry.url, key_file=path)
    agent.start()
    wait_until(lambda: scrape(agent).count('operation="read the key"'))

    path.write_text(SECRET)

    wait_until(lambda: agent.agent_id)


def test_a_key_file_that_went_away_leaves_the_key_in_use(
    make_agent: MakeAgent, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.key = SECRET
    path = tmp_path / "key"
    path.write_text(SECRET)
    agent = make_agent(strict=False, registry_url=registry.url, key_file=path)
    agent.start()
    wait_until(lambda: agent.agent_id)

    path.unlink()
    registry.forget()

    wait_until(lambda: registry.agents)


CASES: list[tuple[str, str, str]] = [
    ("metrics_port", "abc", "its default 9464 is used"),
    ("environment", "x" * 121, "its default 'production' is used"),
    ("registry_url", "nowhere", "it is taken as not set"),
    ("metrics_token", "é", "/metrics opens to nobody"),
    ("stuck_after_seconds", "never", "its default 300.0 is used"),
]


@pytest.mark.parametrize(("name", "value", "instead"), CASES)
def test_a_bad_variable_is_named_with_what_stands_in_for_it(
    monkeypatch: pytest.MonkeyPatch,
    told: pytest.LogCaptureFixture,
    name: str,
    value: str,
    instead: str,
) -> None:
    monkeypatch.setenv(f"PULSEGUARD_{name.upper()}", value)

    Agent("invoice-bot")

    (line,) = told.messages
    assert line.startswith(f"PULSEGUARD_{name.upper()}=")
    assert line.endswith(instead)


@pytest.mark.parametrize(("name", "value", "instead"), CASES)
def test_a_bad_argument_is_named_as_such_with_what_stands_in_for_it(
    told: pytest.LogCaptureFixture, name: str, value: Any, instead: str
) -> None:
    Agent("invoice-bot", **{name: value})

    (line,) = told.messages
    assert line.startswith(f"{name}=")
    assert line.endswith(instead)


def test_a_bad_value_in_the_file_of_make_up_is_named_with_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = tmp_path / "pulseguard" / "agent.json"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text(json.dumps({"registry_url": "nowhere"}))

    Agent("invoice-bot")

    (line,) = told.messages
    assert line.startswith(f"registry_url in {file}='nowhere' cannot be used")
    assert line.endswith("it is taken as not set")


def test_the_bounds_that_the_settings_page_says_are_those_of_the_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `PULSE")}
    seconds = f"{SHORTEST_SECONDS} to {LONGEST_SECONDS:,}"

    assert f"{SMALLEST_LIMIT} to {LARGEST_LIMIT:,}" in rows["PULSEGUARD_SERIES_LIMIT"]
    assert seconds in rows["PULSEGUARD_HEARTBEAT_SECONDS"]
    assert seconds in rows["PULSEGUARD_SNAPSHOT_SECONDS"]
    assert f"at most {LONGEST_PATIENCE_SECONDS:,}" in rows["PULSEGUARD_STUCK_AFTER_SECONDS"]


def test_every_setting_has_a_word_for_what_stands_in_for_it() -> None:
    for name in Settings._fields:
        assert stand_in(name) == stand_in(f"PULSEGUARD_{name.upper()}")
    assert stand_in("tags") == "its default is used"
