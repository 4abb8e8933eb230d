"""A deployment over a month: nothing is lost before its time, and nobody is woken for nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pulseguard_stack.deployment.rotation import FORMER_KEY_MINUTES, rotate_keys
from tests.end_to_end.conftest import LONG
from tests.second_week.facts import QUEUE_LONG, answers, fire_now, scraped_on, statuses, wrong
from tests.second_week.ledger import PATIENCE_SECONDS, Ledger
from tests.second_week.month import AGENTS, GIVEN, Month, running_month
from tests.second_week.programs import PENDING_SECONDS
from tests.started_program import eventually

# What each alert that is wrong when all is scraped needs until people are told.
WATCHED_SECONDS = 330 if LONG else PENDING_SECONDS + 3
QUEUES = {
    "name": "queues",
    "rules": [
        {
            "kind": "alert",
            "name": QUEUE_LONG,
            "expr": "pulseguard_tasks_pending > 100",
            "severity": "warning",
        }
    ],
}
# The oldest one with rules; the whole history of alerts is in it.
OLDER_SCHEMA = "0014"
FITTING, REFUSED = {200, 403}, {401}


@pytest.fixture
def month() -> Iterator[Month]:
    """Nothing runs yet."""
    with running_month() as one:
        yield one


def test_over_a_month_it_keeps_what_is_to_be_kept_and_wakes_nobody_for_nothing(
    month: Month,
) -> None:
    ledger = on_its_first_day(month)
    on_day_2_all_of_it_is_made_anew(month, ledger)
    on_day_8_it_is_upgraded_on_the_old_data(month, ledger)
    on_day_31_all_keys_are_rotated(month, ledger)
    for day in (0, 2, 8, 31):
        assert scraped_on(month, day) == set(AGENTS)


def on_its_first_day(month: Month) -> Ledger:
    month.start(day=0)
    place_key_of_role_enrolment(month)
    revoked = month.write("/keys", {"name": "of a guest", "role": "viewer"})
    assert month.ask("DELETE", f"/keys/{revoked['id']}").status == 200
    month.start_agents()
    eventually(lambda: statuses(month).keys() == AGENTS.keys(), timeout_seconds=PATIENCE_SECONDS)
    ledger = Ledger(month)
    assert month.write("/rule-groups?wait=9s", QUEUES)["state"] == "loaded"
    all_is_well(month)
    trouble_is_told(ledger, "clerk")
    ledger.note(0)
    month.take_down()
    return ledger


def on_day_2_all_of_it_is_made_anew(month: Month, ledger: Ledger) -> None:
    month.start(day=2)
    month.start_agents()
    a_while_passes(month, ledger, "porter")
    ledger.note(2)
    ledger.has_snapshots_of(0, 2)
    ledger.have_told("guest", "firing")
    # Nobody is ever told when that was over.
    month.cut_the_power()


def on_day_8_it_is_upgraded_on_the_old_data(month: Month, ledger: Ledger) -> None:
    month.start_database(day=8)
    database(month, "downgrade", OLDER_SCHEMA, "--yes")
    month.start_services()
    schema = json.loads(database(month, "current", "--json"))
    assert schema["revision"] == schema["newest"] > OLDER_SCHEMA
    month.start_agents()
    a_while_passes(month, ledger, "guest")
    ledger.note(8)
    # Those of the first day are past their retention.
    ledger.has_snapshots_of(2, 8)
    month.take_down()


def on_day_31_all_keys_are_rotated(month: Month, ledger: Ledger) -> None:
    month.start(day=31)
    month.start_agents()
    all_is_well(month)
    trouble_is_told(ledger, "clerk")
    # What has ended is past its retention, but for the one that has enrolled somebody.
    names = {key["name"] for key in month.listed("/keys")}
    assert ("guests" in names, "of a guest" in names) == (True, False)
    before = {path: month.key(path) for path in GIVEN}
    eventually(lambda: set(answers(month, before).values()) == FITTING)

    rotate_keys(month.secrets, lambda _: None)

    after = {path: month.key(path) for path in GIVEN}
    eventually(lambda: set(answers(month, after).values()) == FITTING)
    assert answers(month, before) == answers(month, after)
    assert_each_end_is_on_record(month)
    month.move(60 * (FORMER_KEY_MINUTES + 1))
    eventually(lambda: set(answers(month, before).values()) == REFUSED)
    eventually(lambda: set(answers(month, after).values()) == FITTING)
    a_while_passes(month, ledger, *AGENTS)
    ledger.note(31)
    ledger.has_snapshots_of(31)


def assert_each_end_is_on_record(month: Month) -> None:
    """Of the keys that were given before."""
    ending = [key for key in month.listed("/keys") if key["given_as"] and key["expires_at"]]
    records = month.listed("/audit", object_type="keys")
    recorded = {record["object_id"] for record in records if record["method"] == "DELETE"}
    assert len(ending) == len(GIVEN)
    assert {key["id"] for key in ending} <= recorded


def all_is_well(month: Month) -> None:
    try:
        eventually(lambda: not wrong(month), timeout_seconds=PATIENCE_SECONDS)
    except AssertionError:
        raise AssertionError(f"still wrong: {wrong(month)}") from None
    assert fire_now(month) == []


def trouble_is_told(ledger: Ledger, *agents: str) -> None:
    """Of these agents, one after the other, and that it is over."""
    for agent in agents:
        ledger.have_told(agent, "firing")
        ledger.have_told(agent, "resolved")


def a_while_passes(month: Month, ledger: Ledger, *agents: str) -> None:
    """All is well and remains so but for these agents, and nothing else is told."""
    all_is_well(month)
    began = time.monotonic()
    trouble_is_told(ledger, *agents)
    time.sleep(max(0, WATCHED_SECONDS - (time.monotonic() - began)))
    all_is_well(month)
    ledger.is_kept()


def place_key_of_role_enrolment(month: Month) -> None:
    """One that ends within the hour."""
    end = datetime.now(UTC) + timedelta(hours=1)
    wanted = {"role": "enrolment", "environment": "production", "expires_at": end.isoformat()}
    made = month.write("/keys", {"name": "guests", **wanted})
    (month.secrets / "enrolment.key").write_text(made["key"], encoding="utf-8")


def database(month: Month, *verb: str) -> str:
    """What `pulseguard db` says."""
    command = [sys.executable, "-m", "pulseguard.command", "db", *verb]
    settings = os.environ | {"DATABASE_URL": month.postgres.url}
    return subprocess.run(command, env=settings, check=True, capture_output=True, text=True).stdout
