"""The inventory: searched, listed as it changes, changed by operators, and not by two at once."""

from __future__ import annotations

import csv
import io
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry

AGENTS = "/api/v1/agents"


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has an environment of its own."""
    return shared_registry


def patch(registry: RunningRegistry, agent_id: str, change: Any, **options: Any) -> Any:
    """PATCH whatever is there, unless another If-Match is given."""
    headers = {
        "if-match": "*",
        **registry.bearer(options.pop("key", None)),
        **options.pop("headers", {}),
    }
    return registry.client.patch(f"{AGENTS}/{agent_id}", json=change, headers=headers)


def names(registry: RunningRegistry, **filters: Any) -> list[str]:
    """The names of those that the filters choose."""
    answer = registry.get(AGENTS, params=filters)
    assert answer.status_code == 200, answer.text
    return sorted(agent["name"] for agent in answer.json()["items"])


def test_text_finds_what_it_says_and_no_wildcard_is_obeyed(registry: RunningRegistry) -> None:
    here = {"environment": "search"}
    registry.register("Invoice-Bot", description="reads 100% of all mail", **here)
    registry.register("clerk", host="box_7", version="2.0", deployment_type="DOCKER", **here)
    registry.register("other", description=r"a/b\c", **here)

    assert names(registry, text="invoice", **here) == ["Invoice-Bot"]
    assert names(registry, text="MAIL", **here) == ["Invoice-Bot"]
    assert names(registry, text="%", **here) == ["Invoice-Bot"]
    assert names(registry, text="_", **here) == ["clerk"]
    assert names(registry, text="/", **here) == names(registry, text="\\", **here) == ["other"]
    for chosen in ({"version": "2.0"}, {"deployment_type": "DOCKER"}, {"host": "box_7"}):
        assert names(registry, **chosen, **here) == ["clerk"]


def test_retired_agents_are_listed_on_request_and_can_be_restored(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("gone", environment="restored")["id"]
    registry.delete(f"{AGENTS}/{agent_id}")
    assert names(registry, environment="restored") == []
    assert names(registry, environment="restored", include_retired="true") == ["gone"]

    restored = registry.post(f"{AGENTS}/{agent_id}/restore", None)
    again = registry.post(f"{AGENTS}/{agent_id}/restore", None)

    assert restored.json()["retired_at"] is None
    assert again.headers["etag"] == restored.headers["etag"]
    assert names(registry, environment="restored") == ["gone"]


@pytest.mark.parametrize("seed", range(4))
def test_who_is_there_the_whole_time_is_listed_once_whatever_else_happens(
    registry: RunningRegistry, seed: int
) -> None:
    here, chance = f"churn-{seed}", random.Random(seed)
    stay = {registry.register(f"stay-{n}", environment=here)["id"] for n in range(12)}
    come_and_go = [registry.register(f"go-{n}", environment=here)["id"] for n in range(6)]

    seen: list[str] = []
    query: dict[str, str] = {"environment": here, "limit": "3"}
    while True:
        page = registry.get(AGENTS, params=query).json()
        seen += [agent["id"] for agent in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
        registry.register(f"new-{len(seen)}", environment=here)
        registry.delete(f"{AGENTS}/{chance.choice(come_and_go)}")
        for agent_id in chance.sample(sorted(stay), 3):
            patch(registry, agent_id, {"description": f"seen {len(seen)}"})

    assert len(seen) == len(set(seen))
    assert stay <= set(seen)


def test_csv_holds_what_json_holds_and_no_formula(registry: RunningRegistry) -> None:
    here = {"environment": "csv"}
    hostile = {"=1+1": "=", "+49": "+", "-1": "-", "@sum": "@", 'say "a,\nb"': "quoted"}
    for name, instance in hostile.items():
        registry.register(name.replace("\n", " "), description=name, instance=instance, **here)
    headers = {**registry.bearer(None), "accept": "text/csv"}

    answer = registry.client.get(AGENTS, headers=headers, params=here)
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    items = registry.get(AGENTS, params=here).json()["items"]

    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.count("\r\n") == len(items) + 1
    assert list(rows[0]) == list(items[0])
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    for row, item in zip(rows, items, strict=True):
        plain = item["description"]
        assert row["description"] == (f"'{plain}" if plain[0] in "=+-@" else plain)
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


def test_csv_is_whole_by_default_and_a_page_on_request(registry: RunningRegistry) -> None:
    registry.execute(
        "INSERT INTO agents (id, name, instance, environment, type, deployment_type)"
        " SELECT gen_random_uuid(), 'n' || n, 'i', 'many', 'CUSTOM', 'LOCAL'"
        " FROM generate_series(1, 1203) n"
    )
    headers = {**registry.bearer(None), "accept": "text/csv, */*;q=0.1"}

    def records(**query: str) -> list[dict[str, str]]:
        params = {"environment": "many", **query}
        text = registry.client.get(AGENTS, headers=headers, params=params).text
        return list(csv.DictReader(io.StringIO(text, newline="")))

    assert len({record["id"] for record in records()}) == len(records()) == 1203
    assert len(records(limit="7")) == 7
    assert records(text="nobody") == []


def test_what_an_operator_sets_stays_until_it_is_given_back(registry: RunningRegistry) -> None:
    said: dict[str, Any] = {
        "description": "own",
        "team": "own",
        "tags": ["own"],
        "labels": {"a": "own", "b": "x"},
    }
    agent = registry.register("pinned", version="1", **said)

    set_to = {"description": "ours", "team": "ours", "tags": ["ours"], "labels": {"a": None}}
    patched = patch(registry, agent["id"], {**set_to, "version": "9"}).json()
    registered = registry.register("pinned", version="2", **said)

    for told in (patched, registered):
        assert (told["description"], told["team"], told["tags"]) == ("ours", "ours", ["ours"])
        assert told["labels"] == {"b": "x"}
        assert told["operator_set"] == ["description", "labels", "tags", "team"]
    assert (patched["version"], registered["version"]) == ("9", "2")

    back = patch(registry, agent["id"], dict.fromkeys(said)).json()
    assert (back["operator_set"], back["tags"], back["labels"]) == ([], [], {})
    assert registry.register("pinned", **said)["team"] == "own"


def test_a_key_of_role_agent_changes_its_agent_but_nothing_of_an_operators(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("bound", team="finance")["id"]
    key = registry.key("agent", environment="production", team="finance")

    own = patch(registry, agent_id, {"description": "mine"}, key=key).json()
    away = patch(registry, agent_id, {"team": "sales"}, key=key)
    patch(registry, agent_id, {"tags": ["kept"]})
    theirs = patch(registry, agent_id, {"tags": ["mine"]}, key=key)

    assert (own["description"], own["operator_set"]) == ("mine", [])
    assert_problem(away, 403, "finance", "sales")
    assert_problem(theirs, 403, "tags", "kept", "operator")
    assert registry.get(f"{AGENTS}/{agent_id}").json()["team"] == "finance"


@pytest.mark.parametrize(
    ("before", "change", "after"),  # those of RFC 7396, appendix A, that concern objects
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_config_is_merged_as_rfc_7396_says(
    registry: RunningRegistry, before: object, change: object, after: object
) -> None:
    agent_id = registry.register("merged", config=before)["id"]
    content_type = {"content-type": "application/merge-patch+json"}

    answer = patch(registry, agent_id, {"config": change}, headers=content_type)

    assert answer.json()["config"] == after


def test_a_merge_that_would_be_too_large_or_changes_an_identity_is_refused(
    registry: RunningRegistry,
) -> None:
    agent = registry.register("large", labels={f"l{n}": "x" for n in range(20)})

    labels = patch(registry, agent["id"], {"labels": {"one_more": "x"}})
    config = patch(registry, agent["id"], {"config": {"a": "a" * 20_000}})
    identity = patch(registry, agent["id"], {"name": "another"})

    assert_problem(labels, 422, "labels", "20")
    assert_problem(config, 422, "config", "larger")
    assert_problem(identity, 422, "name", "another")
    told = registry.get(f"{AGENTS}/{agent['id']}").json()
    assert told == {**agent, "health_score": None}


def test_the_revision_grows_with_what_an_agent_is_and_not_with_signs_of_life(
    registry: RunningRegistry,
) -> None:
    agent = registry.register("revised", version="1")
    path = f"{AGENTS}/{agent['id']}"

    def tag() -> str:
        return str(registry.get(path).headers["etag"])

    first = tag()
    for body in ({"state": "working"}, {"goodbye": True}):
        registry.post(f"{path}/heartbeat", body)
    registry.register("revised", version="1")
    patch(registry, agent["id"], {})
    assert tag() == first == f'"{agent["revision"]}"'

    registry.register("revised", version="2")
    second = tag()
    answer = patch(registry, agent["id"], {"host": "box"}, headers={"if-match": second})
    assert len({first, second, answer.headers["etag"]}) == 3
    assert answer.headers["etag"] == tag()


def test_a_change_needs_to_know_what_it_changes(registry: RunningRegistry) -> None:
    agent = registry.register("raced")
    path, old = f"{AGENTS}/{agent['id']}", f'"{agent["revision"]}"'
    current = patch(registry, agent["id"], {"host": "a"}).headers["etag"]
    bearer = registry.bearer(None)

    blind = registry.client.patch(path, json={"host": "b"}, headers=bearer)
    assert_problem(blind, 428, "If-Match", "ETag")
    assert_problem(patch(registry, agent["id"], {}, headers={"if-match": "7"}), 422, "If-Match")
    for lost in (
        patch(registry, agent["id"], {"host": "b"}, headers={"if-match": old}),
        registry.client.delete(path, headers={**bearer, "if-match": old}),
        registry.client.delete(f"{path}/maintenance", headers={**bearer, "if-match": old}),
        registry.client.post(f"{path}/restore", headers={**bearer, "if-match": old}),
    ):
        assert_problem(lost, 412, "If-Match", current.strip('"'))
        assert lost.headers["etag"] == current
    either = patch(registry, agent["id"], {}, headers={"if-match": f"{old}, ,{current},"})
    assert either.status_code == 200


def test_tags_match_as_rfc_9110_says_and_who_is_wrong_is_told_so(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("weakly tagged")["id"]
    current = registry.get(f"{AGENTS}/{agent_id}").headers["etag"]

    def answer(tags: str) -> Any:
        return patch(registry, agent_id, {"host": "b"}, headers={"if-match": tags})

    for weak in (f"W/{current}", f'"0", W/{current}'):
        assert_problem(answer(weak), 412, "is a weak tag", "send " + current.replace('"', '\\"'))
        assert "changed meanwhile" not in answer(weak).text
    assert_problem(answer('W/"0"'), 412, "changed meanwhile")
    assert_problem(answer(f"*, {current}"), 422, "If-Match", '"*"', "alone")
    assert_problem(answer(","), 422, "If-Match", "no ETag")
    assert registry.get(f"{AGENTS}/{agent_id}").headers["etag"] == current
    assert answer("*").status_code == 200


def test_of_many_changes_of_one_revision_exactly_one_wins(registry: RunningRegistry) -> None:
    agent = registry.register("contended")
    for round_ in range(3):
        tag = registry.get(f"{AGENTS}/{agent['id']}").headers["etag"]

        def change(number: int, tag: str = tag, round_: int = round_) -> Any:
            headers = {"if-match": tag}
            body = {"description": f"{round_}-{number}"}
            return patch(registry, agent["id"], body, headers=headers)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(change, range(8)))

        won = [answer for answer in answers if answer.status_code == 200]
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        kept = registry.get(f"{AGENTS}/{agent['id']}").json()
        assert kept["description"] == won[0].json()["description"]
