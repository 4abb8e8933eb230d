"""Rules stay as they were acknowledged: whoever is killed, whoever edits, whatever is typed."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.end_to_end.hostile_groups import PLACES, Texts, as_rule, as_sent, group_of, in_query
from tests.end_to_end.hostile_texts import HARMLESS, LONE_SURROGATE, hostile_texts
from tests.end_to_end.rules_ledger import Ledger, kill, loaded, numbers, start_again, there
from tests.end_to_end.rules_stack import GROUPS, RULES, RulesStack, rules_stack
from tests.prometheus_server import eventually

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
ROUNDS = 50 if LONG else 3
VICTIMS = (("registry", "sync"), ("registry",), ("sync",))
EDITORS, EDITS = 8, 5
TEXTS = 2000 if LONG else 150
AT_ONCE = 150
APPLY = f"{GROUPS}/apply"


@pytest.fixture(scope="module")
def stack() -> Iterator[RulesStack]:
    """Without an Alertmanager: nobody is to be told."""
    with rules_stack() as one:
        one.start_prometheus()
        yield one


def test_killed_at_any_moment_prometheus_starts_and_has_what_was_acknowledged(
    stack: RulesStack,
) -> None:
    ledger, dice = Ledger(stack), random.Random(11)
    # The first has all to start; the second is what the others are.
    for number in (1, 2):
        began = time.monotonic()
        ledger.publish(number)
        eventually(stack.is_loaded)
        seconds = time.monotonic() - began
    moments = [seconds * (part + dice.random()) / ROUNDS for part in range(ROUNDS)]
    dice.shuffle(moments)

    for number, moment in enumerate(moments, start=3):
        victims = VICTIMS[number % len(VICTIMS)]
        with ThreadPoolExecutor(1) as editor:
            publication = editor.submit(ledger.publish, number)
            threading.Event().wait(moment)
            kill(stack, victims)
            publication.result()
        stack.prometheus.kill()
        stack.prometheus.start()
        start_again(stack, victims)

        eventually(stack.is_loaded, timeout_seconds=60)
        ledger.is_kept()
        assert loaded(stack) == there(stack)


def test_of_many_who_edit_at_once_each_edit_is_a_revision_and_the_last_one_is_loaded(
    stack: RulesStack,
) -> None:
    names = ("left", "right")
    made = [stack.write("POST", GROUPS, numbers(name, 0, 0, 0)) for name in names]
    rules = [rule["id"] for group in made for rule in group["rules"]]

    def edit(editor: int) -> list[str]:
        """Count some of them up by one; answers which."""
        chosen = random.Random(editor).choices(rules, k=EDITS)
        for rule_id in chosen:
            while not count_up(stack, rule_id):
                pass
        return chosen

    with ThreadPoolExecutor(EDITORS) as editors:
        edits = Counter(rule for chosen in editors.map(edit, range(EDITORS)) for rule in chosen)

    eventually(stack.is_loaded)
    groups = stack.groups()
    for name in names:
        counts = [edits[rule["id"]] for rule in groups[name]["rules"]]
        assert there(stack)[name] == [f"vector({count})" for count in counts]
        path = f"{GROUPS}/{groups[name]['id']}/revisions"
        revisions = stack.get(path, limit="100")["items"]
        assert groups[name]["revision"] == len(revisions) == 1 + sum(counts)
        changed = Counter(rule for revision in revisions[:-1] for rule in revision["rules"])
        assert changed == Counter({id_: edits[id_] for id_ in changed})
        file = stack.rules_folder / f"{groups[name]['id']}.yml"
        assert f"revision {len(revisions)}.\n" in file.read_text()
    assert loaded(stack) == there(stack)


def count_up(stack: RulesStack, rule_id: str) -> bool:
    """Whether the rule has one more; False where somebody else was faster."""
    path = f"{RULES}/{rule_id}"
    rule = stack.get(path)
    value = int(rule["expr"].removeprefix("vector(").removesuffix(")")) + 1
    body = {name: rule[name] for name in ("kind", "name")} | {"expr": f"vector({value})"}
    answer = stack.ask("PUT", path, body, rule["revision"])
    assert answer.status in (200, 412), answer.body
    return answer.status == 200


def test_each_message_of_a_change_is_refused_by_its_field_or_kept_as_it_is(
    stack: RulesStack,
) -> None:
    texts, kept = hostile_texts(TEXTS), []
    # Disabled: nobody else is to be told of each.
    group: dict[str, Any] = {"name": "messages", "enabled": False, "rules": []}
    for number, text in enumerate(texts, start=1):
        sent = {"message": text, "groups": [group | {"limit": number}]}
        answer = stack.ask("POST", APPLY, sent)
        if answer.status == 200:
            kept.append(text)
        else:
            assert answer.status == 422
            assert [fault["field"] for fault in answer.body["errors"]] == ["message"]
            assert text not in HARMLESS
    made = stack.groups()["messages"]
    assert made["revision"] == len(kept)
    messages = revisions(stack, made["id"])
    assert messages == kept[::-1]


def revisions(stack: RulesStack, group_id: str) -> list[str]:
    """The messages of all changes of a group, the newest first."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = stack.get(f"{GROUPS}/{group_id}/revisions", limit="100", **cursor)
        found += [each["message"] for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": str(page["next_cursor"])}


# Any: see above.
def apply_what_holds(stack: RulesStack, groups: list[Texts]) -> list[dict[str, Any]]:
    """Have the registry take these groups, without the texts that it refuses: those are taken out
    of `groups`, each by the field that is named for it. Returns what was taken."""
    while True:
        sent = [group_of(number, texts) for number, texts in enumerate(groups)]
        answer = stack.ask("POST", APPLY, {"groups": sent})
        if answer.status == 200:
            return sent
        assert answer.status == 422, answer.body
        assert answer.body["errors"], answer.body
        refused = set()
        for fault in answer.body["errors"]:
            _, number, place = fault["field"].split(".", 2)
            # No place is named that holds no such text.
            text = groups[int(number)].get(place)
            assert text is not None, fault
            assert fault["message"]
            assert text not in HARMLESS, fault
            refused.add((int(number), place))
        for number, place in refused:
            del groups[number][place]


def test_each_text_is_refused_by_its_field_or_is_what_everybody_shows(stack: RulesStack) -> None:
    texts = hostile_texts(TEXTS)
    kept = 0
    for start in range(0, TEXTS, AT_ONCE):
        for group in stack.groups().values():
            assert stack.ask("DELETE", f"{GROUPS}/{group['id']}").status == 200
        groups = [dict.fromkeys(PLACES, text) for text in texts[start : start + AT_ONCE]]
        sent = apply_what_holds(stack, groups)
        eventually(stack.is_loaded, timeout_seconds=60)
        shown = stack.groups()
        for group in sent:
            answered = shown[group["name"]]
            assert as_sent(answered) == group
            assert_is_rendered(stack, answered["id"], group)
        assert_is_loaded(stack, sent)
        kept += sum(map(len, groups))
    # Most may stand somewhere.
    assert kept > TEXTS * len(PLACES) / 2


# Any: see above.
def assert_is_rendered(stack: RulesStack, group_id: str, group: Mapping[str, Any]) -> None:
    """Its file holds it, and nothing else."""
    text = (stack.rules_folder / f"{group_id}.yml").read_text(encoding="utf-8")
    name, labels, annotations = as_rule(group)
    rule = {"alert": name, "expr": group["rules"][0]["expr"]}
    rule |= {"labels": labels, "annotations": annotations}
    assert yaml.load(text, yaml.CBaseLoader) == {
        "groups": [{"name": group["name"], "rules": [rule]}]
    }


# Any: see above.
def assert_is_loaded(stack: RulesStack, sent: Sequence[Mapping[str, Any]]) -> None:
    """Prometheus shows them as they were sent, and when they fire tells the same of each."""
    found = eventually(lambda: all_firing(stack, len(sent)), timeout_seconds=60)
    for group in sent:
        name, labels, annotations = as_rule(group)
        (rule,) = found[group["name"]]["rules"]
        assert (rule["name"], rule["labels"], rule["annotations"]) == (name, labels, annotations)
        (alert,) = rule["alerts"]
        # What holds a template is expanded there.
        if "{{" not in labels.get("text", "") + annotations["text"]:
            assert alert["annotations"] == annotations
            job = in_query(group["rules"][0]["expr"])
            assert alert["labels"] == {"alertname": name, "job": job, **labels}
        assert in_query(rule["query"]) == in_query(group["rules"][0]["expr"])


# Any: see above.
def all_firing(stack: RulesStack, count: int) -> dict[str, Any]:
    """The groups that Prometheus has, once the alerts of all of them fire."""
    found = stack.prometheus.rule_groups()
    return (
        found if sum(bool(each["rules"][0]["alerts"]) for each in found.values()) == count else {}
    )


def test_what_is_no_text_at_all_is_refused_wherever_it_stands(stack: RulesStack) -> None:
    for place in PLACES:
        answer = stack.ask("POST", APPLY, {"groups": [group_of(0, {place: LONE_SURROGATE})]})
        assert answer.status == 422
        (fault,) = answer.body["errors"]
        # As an escape of JSON, or as one of PromQL.
        assert (fault["field"], "no valid JSON" in fault["message"]) in [
            *(("body", True), ("groups.0.rules.0.expr", False))
        ]
