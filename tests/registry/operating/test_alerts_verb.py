"""`pulseguard alerts`, but for its test of the way, which needs an Alertmanager."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx2
import pytest

from pulseguard_registry.operating.reach import Registry
from tests.registry.notifications import (
    WEBHOOK,
    about,
    alert,
    before,
    notification,
    resolved,
)
from tests.registry.operating.conftest import Run
from tests.registry.process import RegistryProcess
from tests.registry.running import registration, snapshot

LABELS = {"alertname": "AgentDown", "severity": "critical", "agent": "invoice-bot", "team": "[x]"}
# Would clear the screen, and write the rest the other way round.
ORDERS = "\x1b[2J\x9b2J\u202e"


@pytest.fixture(scope="module", autouse=True)
def told(served: RegistryProcess) -> None:
    """Two alerts, of which one is over."""
    alerts = (
        alert(labels=LABELS | {"x": ORDERS}, annotations={"summary": f"An agent is down.{ORDERS}"}),
        alert(fingerprint="b", labels={"alertname": "AgentCostSpike"}),
        resolved(fingerprint="b", labels={"alertname": "AgentCostSpike"}),
    )
    key = {"Authorization": f"Bearer {served.admin_key()}"}
    answer = httpx2.post(f"{served.url}{WEBHOOK}", json=notification(*alerts), headers=key)
    assert answer.json()["stored"] == 3


def test_what_fires_is_listed_and_the_history_on_request(
    run: Run, settings: Mapping[str, str]
) -> None:
    table = run("alerts", "list", **settings).out
    history = run("alerts", "list", "--all", "--json", **settings).json()

    assert "AgentDown" in table
    assert "[x]" in table
    assert "AgentCostSpike" not in table
    assert [each["status"] for each in history] == ["resolved", "firing", "firing"]
    assert "no alert is like that" in run("alerts", "list", "--team", "y", **settings).out
    only = run("alerts", "list", "--all", "--limit", "1", **settings).out
    assert "there are more than 1" in only


def test_an_alert_is_shown_acknowledged_and_that_taken_back(
    run: Run, settings: Mapping[str, str]
) -> None:
    (down,) = run("alerts", "list", "--json", **settings).json()
    number = str(down["id"])

    said = run("alerts", "ack", number, "--note", "I restart it", **settings).out
    shown = run("alerts", "show", number, **settings).out
    unseen = run("alerts", "list", "--unacknowledged", **settings).out
    back = run("alerts", "ack", number, "--take-back", **settings).out

    assert said == ("AgentDown invoice-bot is acknowledged by first admin; it goes on notifying\n")
    assert "I restart it" in shown
    assert not {*ORDERS} - {*"[2J"} & {*shown}
    assert "\ufffd[2J" in shown
    assert "An agent is down." in shown
    assert "no alert is like that" in unseen
    assert "is acknowledged by nobody" in back


def test_what_is_not_there_or_cannot_be_done_is_one_line(
    run: Run, settings: Mapping[str, str]
) -> None:
    gone = run("alerts", "show", "999", **settings)
    untested = run("alerts", "test", **settings)

    assert (gone.status, gone.err.count("\n")) == (1, 1)
    assert "there is no alert 999" in gone.err
    assert untested.status == 1
    assert "set PULSEGUARD_ALERTMANAGER_URL" in untested.err


def test_an_alert_tells_what_its_agent_measured_in_words_and_without_blanks_at_line_ends(
    run: Run, settings: Mapping[str, str], served: RegistryProcess
) -> None:
    key = {"Authorization": f"Bearer {served.admin_key()}"}
    registered = httpx2.post(
        f"{served.url}/api/v1/agents", json=registration("measured"), headers=key
    ).json()
    measured = snapshot(before(minutes=5), model_calls=12, model_inference_time_ms=840.5123)
    pushed = httpx2.post(
        f"{served.url}/api/v1/agents/{registered['id']}/ai-metrics",
        json={"snapshots": [measured]},
        headers=key,
    )
    assert pushed.status_code < 300, pushed.text
    slow = about(registered["id"], "c", before(minutes=1))
    httpx2.post(f"{served.url}{WEBHOOK}", json=notification(slow), headers=key)
    listed = run("alerts", "list", "--json", "--agent-name", "measured", **settings).json()

    shown = run("alerts", "show", str(listed[0]["id"]), **settings).out
    agent = run("agents", "show", registered["id"], **settings).out

    assert re.search(r"model calls +12\n", shown)
    assert re.search(r"model inference time +841 ms\n", shown)
    assert "{" not in shown
    for text in (shown, agent):
        assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_a_receiver_that_took_a_test_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, run: Run, settings: Mapping[str, str]
) -> None:
    took = {"receiver": "slack", "state": "took", "sentence": "Since it was sent, slack took 1."}
    result = {"receivers": [took], "reached": True, "sentence": "It did."}
    monkeypatch.setattr(Registry, "send", lambda *_: {"test_id": "1"})
    monkeypatch.setattr(Registry, "get", lambda *_, **__: result)

    said = run("alerts", "test", **settings).out

    assert said == "slack: took it. Since it was sent, slack took 1.\n"
