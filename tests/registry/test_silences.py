"""Maintenance is a silence in a real Alertmanager, held as a lease."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pulseguard_prometheus.configuration import shipped_alertmanager_configuration
from pulseguard_registry.alertmanager import lease, silences
from pulseguard_registry.alertmanager.client import Alertmanager
from pulseguard_registry.alertmanager.lease import CREATED_BY
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.registry.conftest import new_database
from tests.registry.events import AGENTS, ahead, change
from tests.registry.running import RunningRegistry, eventually, running_registry
from tests.registry.strange_alertmanager import strange_alertmanager

SHORT = timedelta(seconds=5)


class Watched(AlertmanagerServer):
    """An Alertmanager and what it says of silences."""

    def silences(self, agent_id: str | None = None) -> list[dict[str, Any]]:
        """Those that are not over, of this agent."""
        with urllib.request.urlopen(f"{self.url}/api/v2/silences", timeout=10) as answer:
            return [
                each
                for each in json.load(answer)
                if each["status"]["state"] != "expired"
                and agent_id in (None, each["matchers"][0]["value"])
            ]

    def silenced(self, agent_id: str) -> list[str]:
        """The states of the alerts of this agent."""
        alerts = (each for each in self.alerts() if each["labels"].get("agent_id") == agent_id)
        return [each["status"]["state"] for each in alerts]


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One for all of these: each has agents of its own."""
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "prometheus.key").write_text("none")
    with Watched(folder, shipped_alertmanager_configuration()) as one:
        yield one


@pytest.fixture(scope="module")
def hurried() -> Iterator[None]:
    """Leases of five seconds, looked at all the time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(silences, "LOOK_SECONDS", 0.3)
        patched.setattr(lease, "LEASE", SHORT)
        patched.setattr(lease, "EXTENDED_BELOW", SHORT * 0.8)
        yield


@pytest.fixture(scope="module")
def url(postgres: str) -> Iterator[str]:
    """One database for all of these."""
    with new_database(postgres, "used") as one:
        yield one


@pytest.fixture(scope="module")
def registry(
    url: str, alertmanager: Watched, hurried: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRegistry]:
    """A registry that knows this Alertmanager."""
    folder = tmp_path_factory.mktemp("s")
    with running_registry(url, folder, alertmanager_url=alertmanager.url) as one:
        yield one


def maintained(registry: RunningRegistry, name: str, reason: str = "new disks") -> str:
    """The id of a new agent under maintenance."""
    agent_id = str(registry.register(name)["id"])
    change(registry, "PUT", f"{agent_id}/maintenance", {"until": ahead(days=1), "reason": reason})
    return agent_id


def health(registry: RunningRegistry, agent_id: str) -> bool | None:
    """Whether its health says that it is silenced."""
    said: bool | None = registry.get(f"{AGENTS}/{agent_id}/health").json()["silenced"]
    return said


def fire(alertmanager: Watched, agent_id: str) -> None:
    """An alert about this agent."""
    Alertmanager(alertmanager.url).send_alert(
        {"labels": {"alertname": "AgentDown", "agent_id": agent_id}}
    )


def test_maintenance_silences_the_alerts_of_its_agent_and_ends_with_it(
    registry: RunningRegistry, alertmanager: Watched
) -> None:
    agent_id = registry.register("maintained")["id"]
    fire(alertmanager, agent_id)
    assert health(registry, agent_id) is None

    maintained(registry, "maintained")
    eventually(lambda: alertmanager.silenced(agent_id) == ["suppressed"], 5)

    (silence,) = alertmanager.silences(agent_id)
    assert silence["createdBy"] == CREATED_BY
    assert silence["comment"].startswith("maintained (web-1-0, production) is under maintenance")
    assert silence["comment"].endswith(": new disks")
    eventually(lambda: health(registry, agent_id), 5)

    change(registry, "DELETE", f"{agent_id}/maintenance")
    # Sooner than by itself.
    eventually(lambda: alertmanager.silences(agent_id) == [], 3)
    assert health(registry, agent_id) is None
    eventually(lambda: alertmanager.silenced(agent_id) == ["active"], 5)


def test_a_silence_is_extended_in_its_place_while_the_work_lasts(
    registry: RunningRegistry, alertmanager: Watched
) -> None:
    agent_id = maintained(registry, "long")
    eventually(lambda: alertmanager.silences(agent_id), 5)
    (first,) = alertmanager.silences(agent_id)

    eventually(lambda: alertmanager.silences(agent_id)[0]["endsAt"] > first["endsAt"], 5)

    (extended,) = alertmanager.silences(agent_id)
    assert extended["id"] == first["id"]
    assert extended["startsAt"] == first["startsAt"]


def test_an_agent_that_is_retired_is_silenced_no_more(
    registry: RunningRegistry, alertmanager: Watched
) -> None:
    agent_id = maintained(registry, "retired")
    eventually(lambda: alertmanager.silences(agent_id), 5)

    change(registry, "DELETE", agent_id)

    eventually(lambda: alertmanager.silences(agent_id) == [], 3)


def test_silences_of_people_and_of_agents_that_are_not_known_stay(
    registry: RunningRegistry, alertmanager: Watched
) -> None:
    agent_id, stranger = registry.register("peopled")["id"], str(uuid.uuid4())
    ours = Alertmanager(alertmanager.url)
    now = datetime.now(UTC)
    theirs = {
        ours.set_silence(_silence(matched, by, now))
        for matched, by in ((agent_id, "somebody"), (stranger, CREATED_BY))
    }
    left_over = ours.set_silence(_silence(agent_id, CREATED_BY, now))

    eventually(lambda: left_over not in {each["id"] for each in alertmanager.silences()}, 5)

    assert theirs <= {each["id"] for each in alertmanager.silences()}


def _silence(agent_id: str, created_by: str, now: datetime) -> dict[str, Any]:
    return {
        "matchers": [{"name": "agent_id", "value": agent_id, "isRegex": False}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=10)).isoformat(),
        "createdBy": created_by,
        "comment": "none",
    }


def test_an_alertmanager_that_was_away_and_has_lost_everything_is_told_again(
    registry: RunningRegistry, alertmanager: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    agent_id = maintained(registry, "lost")
    eventually(lambda: alertmanager.silences(agent_id), 5)

    alertmanager.kill()
    shutil.rmtree(alertmanager.folder / "data")
    eventually(lambda: health(registry, agent_id) is False, 10)
    alertmanager.start()

    eventually(lambda: len(alertmanager.silences(agent_id)) == 1, 5)
    eventually(lambda: health(registry, agent_id), 5)
    said = [each.getMessage() for each in caplog.records if "are not silenced" in each.getMessage()]
    assert len(said) == 1
    assert "connection refused" in said[0]


def test_a_silence_does_not_wait_for_the_next_look(
    postgres: str, alertmanager: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silences, "LOOK_SECONDS", 60.0)
    with (
        new_database(postgres, "used") as url,
        running_registry(url, tmp_path, alertmanager_url=alertmanager.url) as one,
    ):
        agent_id = maintained(one, "woken")
        eventually(lambda: alertmanager.silences(agent_id), 5)
        # By whoever makes the change.
        one.execute("UPDATE agents SET maintenance_until = NULL")
        eventually(lambda: alertmanager.silences(agent_id) == [], 3)
        left = maintained(one, "left over")
        eventually(lambda: alertmanager.silences(left), 5)
    # It outlives no registry.
    eventually(lambda: alertmanager.silences(left) == [], 10)


def test_of_two_registries_each_silences_what_the_other_changes_and_once(
    registry: RunningRegistry, alertmanager: Watched, url: str, tmp_path: Path
) -> None:
    shutil.copy(registry.app.state.settings.data_dir / "admin.key", tmp_path)
    with running_registry(url, tmp_path, alertmanager_url=alertmanager.url):
        ids = [maintained(registry, f"shared-{number}") for number in range(3)]
        eventually(lambda: all(alertmanager.silences(each) for each in ids), 5)

        assert [len(alertmanager.silences(each)) for each in ids] == [1, 1, 1]


def test_while_another_registry_silences_this_one_leaves_it_to_it(
    registry: RunningRegistry, alertmanager: Watched
) -> None:
    with psycopg.connect(registry.database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (silences.LOCK,))
        agent_id = maintained(registry, "left")
        # Longer than it takes to be woken and to look again.
        looked = len(registry.rows("SELECT FROM agent_silences"))
        eventually(lambda: unsilenced(registry) > 0, 5)
        assert alertmanager.silences(agent_id) == []
        assert len(registry.rows("SELECT FROM agent_silences")) == looked
    eventually(lambda: len(alertmanager.silences(agent_id)) == 1, 5)
    eventually(lambda: unsilenced(registry) == 0, 5)


def unsilenced(registry: RunningRegistry) -> float:
    """How many agents under maintenance are not silenced, as its metrics have it."""
    text = registry.get("/metrics").text
    (line,) = re.findall(r"^pulseguard_registry_unsilenced_agents (\S+)$", text, re.MULTILINE)
    return float(line)


def test_five_hundred_agents_are_silenced_at_once(
    postgres: str, alertmanager: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", timedelta(minutes=3))
    with (
        new_database(postgres, "used") as url,
        running_registry(url, tmp_path, alertmanager_url=alertmanager.url) as one,
    ):
        one.execute(
            "INSERT INTO agents (id, name, instance, environment, type, deployment_type)"
            " SELECT gen_random_uuid(), 'bulk' || n, 'i', 'e', 'CUSTOM', 'LOCAL'"
            " FROM generate_series(1, 500) n;"
            " UPDATE agents SET maintenance_until = now() + interval '1 day'"
        )

        eventually(
            lambda: sum("bulk" in each["comment"] for each in alertmanager.silences()) == 500
        )


def test_whatever_answers_in_its_place_the_registry_goes_on(
    postgres: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, hurried: None
) -> None:
    ours = json.dumps([{"createdBy": CREATED_BY, "status": "active", "matchers": ["agent_id"]}])
    with (
        strange_alertmanager({"/api/v2/silences": ours}) as strange,
        new_database(postgres, "used") as url,
        running_registry(url, tmp_path, alertmanager_url=strange.url) as one,
    ):
        maintained(one, "strange")
        eventually(lambda: strange.asked.count("POST /api/v2/silences") > 1, 5)
        # The last second that there is: three minutes later is no time any more.
        strange.date = "Fri, 31 Dec 9999 23:59:58 GMT"
        eventually(lambda: "is not what an Alertmanager tells" in caplog.text, 5)
        assert one.get("/api/v1/health").status_code == 200
    assert "background work failed" not in caplog.text
