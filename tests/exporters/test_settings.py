"""Settings: argument, then environment, then default; what cannot be used is told."""

import logging
from pathlib import Path
from typing import Any

import pytest

from pulseguard import Agent, ConfigurationError
from pulseguard.settings import Settings, environment_source, read_settings
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape


def refuse(error: ConfigurationError) -> None:
    raise error


def test_an_argument_beats_the_environment_and_that_the_default() -> None:
    environ = {"PULSEGUARD_TEAM": "blue", "PULSEGUARD_ENVIRONMENT": "test", "OTHER": "x"}

    settings = read_settings([{"team": "red", "key": None}, environment_source(environ)], refuse)

    assert settings == Settings(team="red", environment="test")


def test_a_key_file_that_is_an_argument_beats_a_key_in_the_environment() -> None:
    environ = environment_source({"PULSEGUARD_KEY": "far"})

    settings = read_settings([{"key_file": "/near"}, environ], refuse)

    assert settings == Settings(key_file=Path("/near"))


def test_every_setting_can_come_from_the_environment() -> None:
    environ = {
        "PULSEGUARD_REGISTRY_URL": "https://registry.example:8000/",
        "PULSEGUARD_KEY": " pg_agent_1 ",
        "PULSEGUARD_KEY_FILE": "/run/secrets/key",
        "PULSEGUARD_KEY_FOLDER": "/var/lib/bot",
        "PULSEGUARD_ENVIRONMENT": "test",
        "PULSEGUARD_INSTANCE": "one",
        "PULSEGUARD_TEAM": "finance",
        "PULSEGUARD_METRICS_HOST": "0.0.0.0",
        "PULSEGUARD_METRICS_PORT": "9465",
        "PULSEGUARD_METRICS_ADVERTISE": "agent.internal:9465",
        "PULSEGUARD_DETAIL": "standard",
        "PULSEGUARD_SERIES_LIMIT": "2000",
        "PULSEGUARD_HEARTBEAT_SECONDS": "5",
        "PULSEGUARD_SNAPSHOT_SECONDS": "30",
        "PULSEGUARD_STUCK_AFTER_SECONDS": "60",
        "PULSEGUARD_PRICES_FILE": "/etc/prices.json",
    }

    assert read_settings([environment_source(environ)], refuse) == Settings(
        registry_url="https://registry.example:8000",
        key="pg_agent_1",
        key_file=Path("/run/secrets/key"),
        key_folder=Path("/var/lib/bot"),
        environment="test",
        instance="one",
        team="finance",
        metrics_host="0.0.0.0",
        metrics_port=9465,
        metrics_advertise="agent.internal:9465",
        detail="standard",
        series_limit=2000,
        heartbeat_seconds=5.0,
        snapshot_seconds=30.0,
        stuck_after_seconds=60.0,
        prices_file=Path("/etc/prices.json"),
    )


BAD: list[tuple[str, Any]] = [
    ("registry_url", "registry:8000"),
    ("registry_url", "ftp://registry"),
    ("registry_url", "http://"),
    ("registry_url", "http://host:0"),
    ("registry_url", "http://host:99999"),
    ("registry_url", "http://host\r\nX: y"),
    ("registry_url", 8000),
    ("key", "with\nbreak"),
    ("key_file", 7),
    ("environment", ""),
    ("instance", "x" * 121),
    ("team", "x" * 121),
    ("metrics_port", 65536),
    ("metrics_port", "http"),
    ("metrics_port", True),
    ("metrics_advertise", "9464"),
    ("detail", "all"),
    ("series_limit", 10),
    ("series_limit", 2001),
    ("heartbeat_seconds", 0),
    ("heartbeat_seconds", "nan"),
    ("snapshot_seconds", []),
    ("stuck_after_seconds", -1),
    ("stuck_after_seconds", "never"),
    ("prices_file", 7),
    ("type", "ROBOT"),
    ("deployment_type", None),
    ("tags", "not a list"),
    ("labels", {"a": 1}),
    ("labels", {"not a name": "x"}),
    ("labels", {"__address__": "x"}),
    ("tags", [""]),
    ("config", {"a": object}),
    ("config", {"a": float("nan")}),
    ("config", {"a": "x" * 20_000}),
    ("version", 2.1),
    ("name", ""),
    ("name", None),
    ("name", "x" * 121),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=str)
def test_a_bad_argument_is_told_once_and_the_agent_works(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture, field: str, value: Any
) -> None:
    with caplog.at_level(logging.WARNING):
        agent = make_agent(**{"strict": False, field: value})
        told = [record.getMessage() for record in caplog.records]
        agent.start()

    assert len(told) == 1
    assert told[0].startswith(f"{field}=")
    assert "\n" not in told[0]
    assert scrape(agent)


@pytest.mark.parametrize(("field", "value"), BAD, ids=str)
def test_strict_names_field_value_and_mend(field: str, value: Any) -> None:
    arguments = {"name": "bot", field: value}

    with pytest.raises(ConfigurationError, match=rf"^{field}=.* cannot be used: give "):
        Agent(strict=True, **arguments)


def test_secrets_are_in_no_repr_and_no_complaint() -> None:
    complaints: list[ConfigurationError] = []

    settings = read_settings([{"key": "pg_secret"}], complaints.append)
    read_settings([{"key": "sec\nret", "registry_url": "http://u:pw@host"}], complaints.append)

    assert "secret" not in repr(settings)
    assert "sec\nret" not in "".join(map(str, complaints))
    assert "pw" not in "".join(map(str, complaints))
