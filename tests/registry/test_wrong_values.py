"""Values that a request may not hold: refused with field, value and reason, nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.registry.problems import assert_problem, everything
from tests.registry.requests import BOUNDS, REGISTERED
from tests.registry.running import YESTERDAY, RunningRegistry, registration, snapshot


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: nothing they send may change it."""
    return shared_registry


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1", "host:port"),
        ("127.0.0.1:", "host:port"),
        ("127.0.0.1:http", "host:port"),
        ("127.0.0.1:0", "65535"),
        ("127.0.0.1:65536", "65535"),
        ("::1:9464", "host:port"),
        ("http://127.0.0.1:9464", "host:port"),
        ("127.0.0.1:9464/metrics", "host:port"),
        ("user@127.0.0.1:80", "host name"),
        ("127.1:80", "host name"),
        ("0x7f000001.:80", "resolved"),
        ("10.0.0.7:9464", "loopback"),
        ("8.8.8.8:53", "loopback"),
        ("169.254.169.254:80", "loopback"),
        ("[::ffff:169.254.169.254]:80", "loopback"),
        ("no-such-host.invalid:80", "resolved"),
    ],
)
def test_a_bad_address_is_refused_with_the_reason(
    registry: RunningRegistry, address: str, words: str
) -> None:
    before = everything(registry)

    answer = registry.post("/api/v1/agents", registration(metrics_address=address))

    assert_problem(answer, 422, "metrics_address", words)
    assert everything(registry) == before


@pytest.mark.parametrize(
    "name",
    [
        *("__scrape_interval__", "__metrics_path__", "__address__", "job", "instance", "agent_id"),
        *("agent", "team", "environment", "le", "0day", "a-b", "a b", "", "é", "a" * 121),
    ],
)
def test_a_reserved_or_malformed_label_is_refused(registry: RunningRegistry, name: str) -> None:
    before = everything(registry)

    answer = registry.post("/api/v1/agents", registration(labels={name: "x"}))

    assert_problem(answer, 422, "labels")
    assert everything(registry) == before


HOSTILE_TEXTS = [
    *("\x00", "a\x00b", "line\nbreak", "\x1b[2J", "a" * 5000),
    *("\x85", "a\u2028b", "a\u202eb"),
]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=repr)
@pytest.mark.parametrize(
    "field", ["name", "instance", "environment", "team", "version", "host", "type"]
)
def test_hostile_text_is_refused_with_field_and_reason(
    registry: RunningRegistry, field: str, text: str
) -> None:
    answer = registry.post("/api/v1/agents", registration(**{field: text}))

    assert_problem(answer, 422, field)


@pytest.mark.parametrize("value", [-1, 1.5, 2**63, 10**400, "1", True, None, [], {}], ids=repr)
def test_a_count_that_is_none_is_refused(registry: RunningRegistry, value: object) -> None:
    agent_id = registry.register()["id"]
    before = everything(registry)
    body = {"snapshot": snapshot(model_calls=value)}

    answer = registry.post(f"/api/v1/agents/{agent_id}/heartbeat", body)

    assert_problem(answer, 422, "snapshot.model_calls")
    assert everything(registry) == before


@pytest.mark.parametrize(
    "taken_at",
    [
        *("yesterday", "2026-11-23T10:00:00", 0, None, "99999-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
        *("9000-01-01T00:00:00Z", "1960-01-01T00:00:00Z", f"{YESTERDAY.timestamp():.0f}"),
    ],
    ids=repr,
)
def test_a_time_that_is_none_or_cannot_be_is_refused(
    registry: RunningRegistry, taken_at: object
) -> None:
    agent_id = registry.register()["id"]
    body = {"snapshots": [{**snapshot(), "taken_at": taken_at}]}

    answer = registry.post(f"/api/v1/agents/{agent_id}/ai-metrics", body)

    assert_problem(answer, 422, "taken_at")


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"])
def test_a_moment_outside_of_the_calendar_is_refused_everywhere(
    registry: RunningRegistry, moment: str
) -> None:
    agent_id = registry.register()["id"]
    key = {"name": "x", "role": "viewer", "expires_at": moment}

    assert_problem(registry.post("/api/v1/keys", key), 422, "expires_at", "1970")
    for bound in ("from", "to"):
        path = f"/api/v1/agents/{agent_id}/ai-metrics"
        assert_problem(registry.get(path, params={bound: moment}), 422, bound)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("2026-11-28T10:00:00+01:00", "which is what a + means in a query; write %2B"),
        ("yesterday", "such as 2026-12-01T18:00:00+01:00"),
        ("2026-13-28T10:00:00Z", "outside expected range of 1-12); give one with its offset"),
        ("2026-11-28T10:00:00", "has no offset from UTC; give one"),
        ("1795859000", "is no date and time of RFC 3339; give one"),
    ],
)
def test_a_time_in_a_query_is_refused_with_one_that_would_be_taken(
    registry: RunningRegistry, written: str, words: str
) -> None:
    agent_id = registry.register()["id"]
    for query in ("ai-metrics?from", "events?since"):
        answer = registry.get(f"/api/v1/agents/{agent_id}/{query}={written}")

        assert_problem(answer, 422, query.partition("?")[2], words, written.partition("+")[0])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"snapshots": [snapshot()] * 101}, "101, at most 100 are taken; send the rest in another"),
        ({"snapshots": []}, "too few; send at least 1"),
        ({"heartbeats": [{}] * 501}, "501, at most 500 are taken; send the rest in another"),
        ({"tags": ["a"] * 21}, "21, at most 20 are taken; send fewer"),
        ({"labels": {f"l{number}": "" for number in range(21)}}, "21, at most 20 are taken"),
    ],
    ids=["snapshots", "none", "heartbeats", "tags", "labels"],
)
def test_too_many_are_refused_with_how_many_may_be(
    registry: RunningRegistry, body: dict[str, Any], words: str
) -> None:
    (field,) = body
    paths = {
        "heartbeats": "/api/v1/heartbeats",
        "snapshots": f"/api/v1/agents/{registry.register()['id']}/ai-metrics",
    }
    sent = body if field in paths else registration(**body)

    assert_problem(registry.post(paths.get(field, "/api/v1/agents"), sent), 422, field, words)


def test_a_field_that_is_absent_has_no_value_and_a_time_is_written_as_it_was_sent(
    registry: RunningRegistry,
) -> None:
    path = f"/api/v1/agents/{registry.register()['id']}"
    past = {"until": "2026-01-01T10:00:00+00:00"}

    absent = registry.get(f"{path}/ai-metrics?step=5m")
    over = registry.client.put(f"{path}/maintenance", json=past, headers=registry.bearer(None))

    faults = [(fault["field"], fault["value"]) for fault in absent.json()["errors"]]
    assert faults == [("from", None)]
    assert over.json()["errors"][0]["value"] == past["until"]


AGENT = f"/api/v1/agents/{REGISTERED}"
KEY = {"name": "a key"}
FAULTS: list[tuple[str, str, object, str, str | None, str]] = [
    ("GET", "/api/v1/agents?cursor=zzz", None, "cursor", "zzz", "send `next_cursor`"),
    ("GET", "/api/v1/alerts?cursor=zzz", None, "cursor", "zzz", "send `next_cursor`"),
    ("GET", "/api/v1/alerts?agent_id=7", None, "agent_id", "7", "that registering gave"),
    ("GET", "/api/v1/agents?id=7", None, "id", "7", "that registering gave"),
    ("DELETE", "/api/v1/keys/7", None, "key_id", "7", "that GET /api/v1/keys shows"),
    ("GET", f"{AGENT}/ai-metrics?field=speed", None, "field", "speed", "'tokens_processed'"),
    ("GET", f"{AGENT}/events?kind=birth", None, "kind", "birth", "'registered'"),
    ("POST", "/api/v1/agents", registration(labels={"job": ""}), "labels.job", "job", "reserved"),
    ("POST", "/api/v1/keys", KEY | {"role": "agent"}, "environment", None, "name the one"),
    ("POST", "/api/v1/keys", KEY | BOUNDS["agent"] | {"role": "enrolment"}, "expires_at", None, ""),
    ("POST", "/api/v1/keys", KEY | {"role": "admin", "team": "a"}, "team", "a", "leave it out"),
    ("POST", f"{AGENT}/heartbeat", None, "body", None, "is missing; send a JSON object"),
    ("POST", f"{AGENT}/ai-metrics", None, "body", None, "is missing; send a JSON object"),
    ("POST", "/api/v1/heartbeats", None, "body", None, "is missing; send a JSON object"),
    ("POST", "/api/v1/agents", None, "body", None, "is missing; send a JSON object"),
]


@pytest.mark.parametrize(("method", "path", "body", "field", "value", "mend"), FAULTS)
def test_a_fault_names_the_field_as_its_sender_knows_it_and_the_mend(
    registry: RunningRegistry,
    method: str,
    path: str,
    body: object,
    field: str,
    value: str | None,
    mend: str,
) -> None:
    answer = registry.client.request(method, path, json=body, headers=registry.bearer(None))

    assert_problem(answer, 422, mend)
    (fault,) = answer.json()["errors"]
    assert fault == {"field": field, "value": value, "message": fault["message"]}


@pytest.mark.parametrize("value", ["yes", 1, "true", 0.5, None], ids=repr)
def test_a_goodbye_is_true_or_false_and_nothing_like_it(
    registry: RunningRegistry, value: object
) -> None:
    agent_id = registry.register()["id"]

    answer = registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"goodbye": value})

    assert_problem(answer, 422, "goodbye")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b'{"a": 1e400}', "config"),
        (b'{"a": "\\u0000"}', "U+0000"),
        (b'{"\\u0000": 1}', "U+0000"),
        (b'{"a": "' + b"a" * 20_000 + b'"}', "larger"),
    ],
    ids=["infinity", "NUL", "NUL in a name", "large"],
)
def test_a_config_that_cannot_be_kept_is_refused(
    registry: RunningRegistry, config: bytes, words: str
) -> None:
    body = b'{"name": "a", "instance": "b", "config": ' + config + b"}"
    headers = {**registry.bearer(None), "content-type": "application/json"}

    answer = registry.client.post("/api/v1/agents", content=body, headers=headers)

    assert_problem(answer, 422, words)
