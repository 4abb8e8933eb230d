"""The file that a running stack leaves: an agent finds it with no variable set."""

import json
import logging
import os
from pathlib import Path

import pytest

from pulseguard import Agent, ConfigurationError
from pulseguard.settings import Settings, environment_source, read_settings
from pulseguard.settings_file import settings_file, with_file
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.prometheus_server import eventually

STACK = {
    "registry_url": "http://127.0.0.1:8000",
    "key_file": "/data/stack/keys/agent.key",
    "prometheus_url": "http://127.0.0.1:9090",
    "environment": "not read from here",
}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def read(path: Path, **nearer: str) -> Settings:
    """The settings with these variables set; raises what would be logged."""

    def refuse(error: ConfigurationError) -> None:
        raise error

    return read_settings(with_file([environment_source(nearer)], path, refuse), refuse)


def test_registry_and_key_file_come_from_the_file_and_nothing_else(tmp_path):
    path = write(tmp_path / "agent.json", json.dumps(STACK))

    assert read(path) == Settings(
        registry_url="http://127.0.0.1:8000", key_file=Path("/data/stack/keys/agent.key")
    )


def test_the_key_of_the_file_goes_to_no_other_registry(tmp_path):
    path = write(tmp_path / "agent.json", json.dumps(STACK))

    found = read(path, PULSEGUARD_REGISTRY_URL="https://elsewhere.example")

    assert found == Settings(registry_url="https://elsewhere.example")


def test_a_key_that_is_set_goes_to_the_registry_of_the_file(tmp_path):
    path = write(tmp_path / "agent.json", json.dumps(STACK))

    found = read(path, PULSEGUARD_KEY="pg_agent_1")

    assert found == Settings(registry_url="http://127.0.0.1:8000", key="pg_agent_1")


def test_where_no_stack_runs_there_is_no_fault(tmp_path):
    assert read(tmp_path / "nowhere" / "agent.json") == Settings()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path, mode):
    path = write(tmp_path / "agent.json", json.dumps(STACK))
    path.chmod(mode)

    with pytest.raises(ConfigurationError, match="chmod 600"):
        read(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path):
    path = write(tmp_path / "agent.json", json.dumps(STACK))
    os.chown(path, 65534, 65534)

    with pytest.raises(ConfigurationError, match="another user"):
        read(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '"text"', "[" * 10_000])
def test_a_file_that_is_no_object_is_refused(tmp_path, text):
    with pytest.raises(ConfigurationError, match="settings file"):
        read(write(tmp_path / "agent.json", text))


def test_a_pipe_of_that_name_does_not_hold_up_the_agent(tmp_path):
    os.mkfifo(tmp_path / "agent.json", 0o600)

    with pytest.raises(ConfigurationError, match="regular file"):
        read(tmp_path / "agent.json")


def test_the_file_is_in_the_state_folder_of_the_user():
    home = {"HOME": "/home/user"}

    for named, base in [
        ("/state", "/state"),
        ("relative", "/home/user/.local/state"),
        ("", "/home/user/.local/state"),
    ]:
        path = settings_file({**home, "XDG_STATE_HOME": named})
        assert path == Path(base) / "pulseguard" / "agent.json"


def test_an_agent_without_any_setting_registers_with_the_stack(
    make_agent: MakeAgent,
    registry: FakeRegistry,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = write(tmp_path / "agent.key", "pg_agent_of_the_stack")
    document = {"registry_url": registry.url, "key_file": str(key)}
    write(tmp_path / "pulseguard" / "agent.json", json.dumps(document))

    agent = make_agent()
    agent.start()

    assert eventually(lambda: agent.agent_id)


def test_a_refused_file_is_one_log_line_and_no_registry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    write(tmp_path / "pulseguard" / "agent.json", json.dumps(STACK)).chmod(0o644)

    with caplog.at_level(logging.WARNING):
        Agent("invoice-bot", metrics_port=0)

    (line,) = [record.message for record in caplog.records]
    assert "agent.json" in line
    assert "chmod 600" in line
