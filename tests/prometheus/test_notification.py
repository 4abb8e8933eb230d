"""What people are told, by a real Alertmanager that `pulseguard sync` keeps: by web and by mail."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from pulseguard_prometheus.configuration import shipped_alertmanager_configuration
from tests.prometheus.told import GRAFANA, Told, agent_id, alert
from tests.prometheus_server import eventually

HOSTILE = '<script>alert(1)</script> <!channel> & <http://evil|here> {{ .ExternalURL }} "quoted"'
# What Slack makes markup of is escaped as Slack says.
IN_SLACK = (
    "&lt;script&gt;alert(1)&lt;/script&gt; &lt;!channel&gt; &amp; &lt;http://evil|here&gt;"
    ' {{ .ExternalURL }} "quoted"'
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with ExitStack() as parts:
        yield Told(tmp_path_factory.mktemp("alertmanager"), parts)


def test_each_receiver_is_told_what_since_when_how_much_and_where_to_look(told: Told) -> None:
    told.fire(alert("Everywhere"))
    (slack,) = eventually(lambda: told.slack("Everywhere"))
    (page,) = eventually(lambda: told.pagerduty("Everywhere"))
    (subject, plain, page_of_mail) = eventually(lambda: told.mails("Everywhere"))[0]
    (webhook,) = eventually(lambda: told.webhook("Everywhere"))

    runbook = f"{told.web.url}/runbooks#everywhere"
    agent = (
        f"{GRAFANA}/d/pulseguard-agent"
        "?var-environment=production&var-agent=bot-1&var-instance=web-1&var-simulation=-"
    )
    title = "[CRITICAL] Everywhere bot-1 (production): Everywhere has happened."
    said = ["bot-1 web-1, production", "It happened to bot-1.", "Since: 2026-11-23 10:00:00 UTC"]
    said += ["Value: 42 ms", "Threshold: 7 ms"]
    assert slack["title"] == slack["fallback"] == page["payload"]["summary"] == subject == title
    assert page["payload"]["severity"] == "critical"
    assert page["routing_key"] == "k" * 32
    assert slack["text"].splitlines() == ["", *said, f"<{runbook}|Runbook>  <{agent}|Agent>"]
    lines = ["", *said, f"Runbook: {runbook}", f"Agent: {agent}"]
    assert page["payload"]["custom_details"]["firing"].splitlines() == lines
    assert plain.splitlines()[: len(lines)] == lines
    for line in said:
        assert line in page_of_mail
    assert f'<a href="{runbook}">Runbook</a> <a href="{agent}">Agent</a>' in page_of_mail
    assert webhook["commonAnnotations"]["threshold"] == "7 ms"
    assert str(told.mail.mails[0]["To"]) == "ops@example.org, boss@example.org"
    assert told.web.on("/slack")[0]["channel"] == "#alerts"


def test_an_end_is_told_as_well(told: Told) -> None:
    begun = alert("Ending")
    told.fire(begun)
    eventually(lambda: told.slack("Ending"))
    told.fire(begun | {"endsAt": "2026-11-23T10:05:00Z"})
    over = eventually(lambda: told.slack("Ending")[1:])[0]
    subject, text, _ = eventually(lambda: told.mails("Ending")[1:])[0]

    assert over["title"] == subject
    assert subject.startswith("[RESOLVED] Ending")
    line = "bot-1 web-1, production, since 2026-11-23 10:00:00 UTC until 2026-11-23 10:05:00 UTC"
    assert line in text
    assert line in over["text"]


def test_five_hundred_agents_down_are_one_notification(told: Told) -> None:
    # Of now: Alertmanager does not wait for others of a group that has long begun.
    now = {"startsAt": datetime.now(UTC).isoformat()}
    told.fire(*[alert("WholeFleetDown", agent=number) | now for number in range(500)])
    # The registry has each by itself, and is told after the people.
    eventually(lambda: len(told.webhook("WholeFleetDown", "/api/v1/alerts/webhook")) >= 500)
    eventually(lambda: told.mails("WholeFleetDown"))
    eventually(lambda: told.pagerduty("WholeFleetDown") and told.slack("WholeFleetDown"))

    (slack,) = told.slack("WholeFleetDown")
    (page,) = told.pagerduty("WholeFleetDown")
    ((subject, text, _),) = told.mails("WholeFleetDown")
    assert page["payload"]["summary"] == slack["title"] == subject
    assert subject.startswith("[CRITICAL 500] WholeFleetDown (production)")
    assert text.startswith("500 fire, the first 10 of them:")
    assert text.count("Since: ") == slack["text"].count("Since: ") == 10


def test_an_agent_that_is_down_does_not_page_for_its_latency_as_well(told: Told) -> None:
    unowned_down = alert("AgentDown", environment="elsewhere")
    del unowned_down["labels"]["agent_id"]
    told.fire(alert("AgentDown", agent=7), unowned_down)
    eventually(lambda: len(told.slack("AgentDown")) == 2)
    unreachable = alert("AgentUnreachable", "warning", agent=6)
    told.fire(alert("AgentUnreachable", agent=7), unreachable)
    eventually(lambda: len(told.slack("AgentUnreachable")) == 2)
    slow = [alert("AgentLatencyHigh", "warning", agent=number) for number in (6, 7, 8)]
    nobodys = alert("Unowned", "warning")
    del nobodys["labels"]["agent_id"]
    # What pages is held back by what pages alone.
    told.fire(*slow, nobodys, *[alert("AgentCallsSlow", agent=number) for number in (6, 7)])
    eventually(lambda: told.webhook("Unowned"))
    notified = eventually(lambda: told.webhook("AgentLatencyHigh"))
    notified += eventually(lambda: told.webhook("AgentCallsSlow"))

    agents = [each["labels"]["agent"] for body in notified for each in body["alerts"]]
    assert agents == ["bot-8", "bot-6"]


def test_text_of_others_is_neither_a_link_nor_markup(told: Told) -> None:
    hostile = alert("Hostile", instance=HOSTILE, environment=HOSTILE, agent_id='1"|x')
    hostile["annotations"] = dict.fromkeys(
        ("summary", "description", "value", "threshold", "runbook_url"), HOSTILE
    )
    tricky = alert("Tricky", agent_id="../../x")
    tricky["annotations"]["runbook_url"] = "javascript:alert(1)"
    told.fire(hostile, tricky)
    (slack,) = eventually(lambda: told.slack("Hostile"))
    ((_, plain, html),) = eventually(lambda: told.mails("Hostile"))
    ((_, _, tricky_html),) = eventually(lambda: told.mails("Tricky"))

    for text in (slack["title"], slack["text"], slack["fallback"]):
        assert IN_SLACK in text
        assert not {"<", ">"} & set(text)
    assert slack["mrkdwn_in"] == ["pretext"]
    # Nor is it announced.
    assert not {line.split(":")[0] for line in plain.splitlines()} & {"Runbook", "Agent"}
    assert "<script" not in html
    assert "<a " not in html + tricky_html
    assert "{{ .ExternalURL }}" in html


def test_the_dead_mans_switch_hears_of_the_watchdog_and_people_never(told: Told) -> None:
    watchdog = alert("Watchdog", "none")
    del watchdog["labels"]["agent_id"]
    told.fire(watchdog, alert("BesideIt"))
    eventually(lambda: len(told.webhook("Watchdog", "/deadman")) > 1)
    eventually(lambda: told.webhook("Watchdog", "/api/v1/alerts/webhook"))
    eventually(lambda: told.mails("BesideIt"))

    assert [told.webhook("Watchdog"), told.slack("Watchdog"), told.mails("Watchdog")] == [[]] * 3


def test_the_test_alert_goes_to_everybody_once(told: Told) -> None:
    test = {"labels": {"alertname": "PulseGuardTest", "test": "true", "severity": "info"}}
    told.fire(test)
    (slack,) = eventually(lambda: told.slack("TEST PulseGuardTest"))
    eventually(lambda: told.mails("TEST PulseGuardTest"))
    eventually(lambda: told.pagerduty("TEST PulseGuardTest"))

    assert len(eventually(lambda: told.webhook("PulseGuardTest"))) == 1
    assert slack["title"] == "[INFO] TEST PulseGuardTest"


def test_without_grafana_the_agent_is_shown_by_prometheus(told: Told) -> None:
    # An address that starts as the shipped one of the registry does.
    link = "http://127.0.0.1:8000/prometheus"
    told.keep(
        told.environment() | {"PULSEGUARD_PROMETHEUS_LINK": link, "PULSEGUARD_GRAFANA_LINK": ""}
    )
    told.fire(alert("Unseen"))
    (slack,) = eventually(lambda: told.slack("Unseen"))
    ((_, plain, page_of_mail),) = eventually(lambda: told.mails("Unseen"))

    agent = f"{link}/graph?g0.expr=%7Bagent_id%3D%22{agent_id(1)}%22%7D"
    assert f"<{agent}|Agent>" in slack["text"]
    assert f"Agent: {agent}" in plain.splitlines()
    assert f'<a href="{agent}">Agent</a>' in page_of_mail
    told.keep(told.environment())


def test_what_cannot_be_taken_leaves_the_receivers_as_they_are(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    before = told.files.content()
    (told.folder / "empty").write_text("")
    bad = told.environment() | {"PULSEGUARD_SLACK_WEBHOOK_FILE": str(told.folder / "empty")}

    told.keep(bad)

    assert told.files.content() == before
    (said,) = caplog.messages
    assert "PULSEGUARD_SLACK_WEBHOOK_FILE" in said
    assert "it should have one line: the address of a Slack webhook" in said


def test_a_changed_secret_is_taken_while_it_runs(told: Told) -> None:
    keeping = told.keep(told.environment())
    told.secret("webhook", f"{told.web.url}/moved")
    keeping.run_once()
    told.fire(alert("AfterTheMove"))

    eventually(lambda: told.webhook("AfterTheMove", "/moved"))
    assert told.webhook("AfterTheMove") == []
    assert told.server.configuration_file.stat().st_mode & 0o777 == 0o600
    told.keep(told.environment())


def test_what_was_written_into_the_file_by_hand_is_taken_back(told: Told) -> None:
    keeping = told.keep(told.environment())
    ours = told.files.content()
    told.server.configure(shipped_alertmanager_configuration())

    keeping.run_once()

    assert told.files.content() == ours
    with urllib.request.urlopen(f"{told.server.url}/api/v2/receivers", timeout=10) as answer:
        names = {each["name"] for each in json.load(answer)}
    assert names == {"registry", "slack", "pagerduty", "email", "webhook", "deadman"}
