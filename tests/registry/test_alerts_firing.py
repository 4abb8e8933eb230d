"""Which alerts of the history fire now: what is told, and what nobody tells any more."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from pulseguard_registry.alerts.firing import HEARING_SECONDS, TOLD_SECONDS, seconds_running
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import downgrade, upgrade
from tests.registry.notifications import alert, history, resolved, tell
from tests.registry.running import READY, RunningRegistry, eventually


@pytest.fixture
def settled(registry: RunningRegistry) -> RunningRegistry:
    """A registry that has been there for an hour."""
    registry.app.dependency_overrides[seconds_running] = lambda: 3600.0
    return registry


def long_ago(registry: RunningRegistry, seconds: float, what: str = "true") -> None:
    """Let this time go by since the alerts were told last."""
    registry.execute(
        f"UPDATE alerts SET last_told_at = now() - interval '{seconds} seconds' WHERE {what}"
    )


def test_an_alert_that_is_not_told_any_more_does_not_fire_and_has_no_known_end(
    settled: RunningRegistry,
) -> None:
    tell(settled, alert(fingerprint="lost"), alert(fingerprint="kept"))
    # Two repetitions of what alertmanager.yml says, late.
    long_ago(settled, TOLD_SECONDS - 20)
    assert len(history(settled, status="firing")) == 2

    long_ago(settled, TOLD_SECONDS + 1)
    tell(settled, alert(fingerprint="kept"))

    assert [entry["fingerprint"] for entry in history(settled, status="firing")] == ["kept"]
    fires = {entry["fingerprint"]: entry["fires"] for entry in history(settled)}
    assert fires == {"lost": False, "kept": True}
    tell(settled, alert(fingerprint="lost"))
    assert len(history(settled, status="firing")) == len(history(settled)) == 2


def test_a_registry_that_was_away_believes_what_it_knew_until_it_is_told_again(
    registry: RunningRegistry,
) -> None:
    tell(registry, alert(fingerprint="over"), alert())
    tell(registry, resolved(fingerprint="over"))
    long_ago(registry, 3600)
    running = registry.app.dependency_overrides

    running[seconds_running] = lambda: HEARING_SECONDS - 1
    assert [entry["fires"] for entry in history(registry, status="firing")] == [True]
    running[seconds_running] = lambda: HEARING_SECONDS + 1
    assert history(registry, status="firing") == []


def test_an_alert_that_fires_anew_takes_the_place_of_one_whose_end_was_never_told(
    settled: RunningRegistry,
) -> None:
    anew = "2026-11-23T10:01:00Z"
    tell(settled, alert())
    tell(settled, alert(startsAt=anew))

    (entry,) = history(settled, status="firing")
    assert entry["starts_at"].startswith("2026-11-23T10:01:00")
    assert [each["fires"] for each in history(settled)] == [True, False]


def test_an_end_whose_beginning_was_never_told_ends_what_was_told_before(
    settled: RunningRegistry,
) -> None:
    tell(settled, alert())
    tell(settled, resolved(startsAt="2026-11-23T10:01:00Z"))

    assert history(settled, status="firing") == []
    assert [(each["status"], each["fires"]) for each in history(settled)] == [
        ("resolved", False),
        ("firing", False),
    ]


def test_an_alert_that_goes_on_after_its_end_was_told_fires(settled: RunningRegistry) -> None:
    # Prometheus was away for so long that Alertmanager took it for ended, and goes on.
    tell(settled, alert())
    tell(settled, resolved())
    assert history(settled, status="firing") == []

    tell(settled, alert())
    assert [each["fires"] for each in history(settled, status="firing")] == [True]
    tell(settled, resolved())
    assert history(settled, status="firing") == []
    assert len(history(settled)) == 2


def test_of_what_was_stored_before_no_more_is_known_than_when_it_was_received(
    settled: RunningRegistry,
) -> None:
    tell(settled, alert())
    settled.execute("UPDATE alerts SET received_at = '2026-11-01T00:00:00Z'")
    engine = create_engine(settled.database_url.replace("postgresql://", "postgresql+psycopg://"))

    downgrade(engine, "0002")
    upgrade(engine, place_of(settled.database_url))
    engine.dispose()
    # It may have looked while the tables were away.
    eventually(lambda: settled.get(READY).status_code == 200)

    (entry,) = history(settled)
    assert entry["last_told_at"] == entry["received_at"] == "2026-11-01T00:00:00Z"
