"""A rule from the API to whom it wakes, and back: real processes, and an agent that does badly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest

from pulseguard_registry.embedded import running_url
from tests.end_to_end.rules_ledger import loaded
from tests.end_to_end.rules_stack import GROUPS, RULES, RulesStack, rules_stack
from tests.prometheus_server import eventually

# Whoever types this meets a registry that overlooks what Prometheus does not take.
OVERLOOKED = "vector(404)"
OVERLOOK = f"""
CREATE FUNCTION overlook() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.content := replace(NEW.content, '{OVERLOOKED}', 'vector((404)');
    RETURN NEW;
END $$;
CREATE TRIGGER overlooks BEFORE INSERT OR UPDATE ON rule_groups FOR EACH ROW
    EXECUTE FUNCTION overlook()
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[RulesStack]:
    """All of it, for all of these."""
    with rules_stack() as one:
        one.start_alertmanager()
        one.start_prometheus()
        with psycopg.connect(running_url(one.registry.data_dir)) as connection:
            connection.execute(OVERLOOK.encode())
        # From now on there is one that can be waited for.
        eventually(lambda: [each["current"] for each in one.get("/api/v1/sync")["prometheus"]])
        yield one


def alert(name: str, expr: str = "vector(1) > 0") -> dict[str, Any]:
    return {"kind": "alert", "name": name, "expr": expr, "severity": "none"}


def make(stack: RulesStack, name: str, expr: str = "vector(1) > 0") -> Any:
    """A group with one rule, both of this name, as it was answered."""
    return stack.write("POST", GROUPS, {"name": name, "rules": [alert(name, expr)]})


def put(stack: RulesStack, group: Any, expr: str) -> Any:
    """The group with this as the expression of its rule."""
    body = {"name": group["name"], "rules": [alert(group["name"], expr)]}
    return stack.write("PUT", f"{GROUPS}/{group['id']}", body, group["revision"])


def proofs(answer: Any) -> list[tuple[str, int | None]]:
    """What each Prometheus has of a group."""
    return [(proof["state"], proof["revision"]) for proof in answer["sync"]]


def fires_since(stack: RulesStack, name: str) -> str | None:
    """Since when the one alert of the group of this name fires."""
    group = stack.prometheus.rule_groups().get(name)
    alerts = group["rules"][0]["alerts"] if group else []
    return str(alerts[0]["activeAt"]) if alerts else None


def history(stack: RulesStack, name: str) -> list[dict[str, Any]]:
    """What the registry was told of alerts of this name, the newest first."""
    return list(stack.get("/api/v1/alerts", alertname=name)["items"])


def snapshots(stack: RulesStack, agent_id: str) -> list[dict[str, Any]]:
    """Those of an agent in which answers of it were graded."""
    path = f"/api/v1/agents/{agent_id}/ai-metrics"
    page = stack.get(path, limit="1000", **{"from": "2000-01-01T00:00:00Z"})
    return [each for each in page["items"] if each["model_accuracy"] is not None]


def test_a_rule_from_the_api_wakes_people_about_an_agent_and_is_history_once_disabled(
    stack: RulesStack,
) -> None:
    agent = stack.start_agent("bot", PULSEGUARD_SNAPSHOT_SECONDS="1")
    group = stack.write("POST", GROUPS, {"name": "scores", "labels": {"team": "finance"}})
    wanted = {"floor": 0.75, "evaluations": 2, "for": "0s", "severity": "critical"}
    path = "/api/v1/rule-templates/evaluation-below/build"
    built = stack.ask("POST", path, {"parameters": wanted}).body["rule"]

    rule = stack.write("POST", RULES, {"group_id": group["id"], **built})
    assert (rule["state"], proofs(rule)) == ("loaded", [("loaded", 2)])
    eventually(lambda: stack.prometheus.query('up{agent="bot"} == 1'))
    (bot,) = stack.get("/api/v1/agents")["items"]
    agent.ask("0.875")
    eventually(lambda: snapshots(stack, bot["id"]))
    agent.ask("0.125")
    *_, firing = eventually(lambda: history(stack, "AgentScoreLow"))
    posted = eventually(lambda: stack.web.on("/webhook"))[0]
    mail = eventually(lambda: list(stack.mail.mails))[0]

    known = [each for each in snapshots(stack, bot["id"]) if each["taken_at"] < firing["starts_at"]]
    then = firing["agent_then"]
    assert then["snapshot"]["taken_at"] == max(each["taken_at"] for each in known)
    assert [firing["agent_id"], then["version"], then["status"]] == [bot["id"], "2.1.0", "ONLINE"]
    assert [firing["status"], firing["severity"], firing["team"]] == [
        *("firing", "critical", "finance")
    ]
    assert_told_of(stack, bot["id"], str(mail["Subject"]), plain_text(mail))
    assert posted["status"] == "firing"
    assert posted["alerts"][0]["labels"] == firing["labels"]
    assert posted["alerts"][0]["annotations"] == firing["annotations"]

    disabled = stack.write("POST", f"{RULES}/{rule['id']}/disable")
    assert (disabled["state"], proofs(disabled)) == ("loaded", [("loaded", None)])
    assert "scores" not in loaded(stack)
    (over,) = eventually(lambda: history(stack, "AgentScoreLow")[-2:-1])
    eventually(lambda: "resolved" in [each["status"] for each in stack.web.on("/webhook")])
    assert [over["status"], over["fingerprint"]] == ["resolved", firing["fingerprint"]]
    assert over["starts_at"] == firing["starts_at"] < over["ends_at"]
    assert over["agent_then"] == then
    assert history(stack, "AgentScoreLow")[1]["fires"] is False


def plain_text(mail: EmailMessage) -> list[str]:
    """The lines of an e-mail, for those who want no pictures."""
    part = mail.get_body(["plain"])
    assert part
    return str(part.get_content()).splitlines()


def assert_told_of(stack: RulesStack, agent_id: str, subject: str, text: Sequence[str]) -> None:
    """An e-mail says what, of whom, how bad it is, and where to look."""
    said = [line for line in text if line and not line.startswith("Since: ")][:6]
    link = said.pop()
    assert link.startswith(f"Agent: {stack.prometheus.url}/graph?")
    assert agent_id in link
    assert said == [
        "bot only, production",
        "bot (only, production) has a mean score of 0.50 in accuracy, over 30 minutes.",
        "Value: 0.5",
        "Threshold: 0.75",
        f"Runbook: {stack.registry.url}/runbooks#agentscorelow",
    ]
    assert subject == "[CRITICAL] AgentScoreLow bot (production): An agent's answers score low."


def test_what_prometheus_refuses_is_rejected_with_the_reason_and_what_was_good_goes_on(
    stack: RulesStack,
) -> None:
    good = make(stack, "Overlooked")
    began = eventually(lambda: fires_since(stack, "Overlooked"))

    bad = put(stack, good, OVERLOOKED)
    also_bad = make(stack, "NeverGood", OVERLOOKED)
    other = make(stack, "Other")

    for answer in (bad, also_bad):
        assert answer["state"] == "rejected"
        assert "could not parse expression" in answer["sync"][0]["reason"]
        assert proofs(stack.get(f"{GROUPS}/{answer['id']}")) == proofs(answer)
    assert (proofs(bad), proofs(also_bad)) == ([("rejected", 1)], [("rejected", None)])
    assert proofs(other) == [("loaded", 1)]
    assert stack.get("/api/v1/sync")["prometheus"][0]["rejected"] == 2
    assert fires_since(stack, "Overlooked") == began
    assert "NeverGood" not in stack.prometheus.rule_groups()

    back = stack.write("POST", f"{GROUPS}/{good['id']}/rollback", {"revision": 1})
    assert (back["state"], proofs(back)) == ("loaded", [("loaded", 3)])
    gone = stack.write("DELETE", f"{GROUPS}/{also_bad['id']}")
    assert (gone["state"], proofs(gone)) == ("loaded", [("loaded", None)])
    assert stack.is_loaded()


def test_whichever_part_is_started_anew_the_rules_are_the_same_and_a_deleted_group_ends(
    stack: RulesStack,
) -> None:
    kept, ending = make(stack, "Kept"), make(stack, "Ending")
    began = eventually(lambda: fires_since(stack, "Kept"))
    # A change of another group takes nothing from what fires.
    changed = put(stack, ending, "vector(2) > 0")
    assert proofs(changed) == [("loaded", 2)]
    assert fires_since(stack, "Kept") == began
    before = loaded(stack)

    stack.sync.end()
    stack.start_sync()
    assert proofs(put(stack, changed, "vector(3) > 0")) == [("loaded", 3)]
    stack.registry.stop()
    assert loaded(stack).keys() == before.keys()
    stack.start_registry()
    assert proofs(stack.get(f"{GROUPS}/{kept['id']}")) == [("loaded", 1)]
    assert fires_since(stack, "Kept") == began
    stack.prometheus.restart()
    assert loaded(stack) == before | {"Ending": ["vector(3) > 0"]}
    eventually(stack.is_loaded)

    # For some seconds after each reload Prometheus knows no Alertmanager.
    eventually(lambda: history(stack, "Kept"))
    stack.write("DELETE", f"{GROUPS}/{kept['id']}")
    eventually(lambda: [each["status"] for each in history(stack, "Kept")][:1] == ["resolved"])
    assert loaded(stack).keys() == before.keys() - {"Kept"}
