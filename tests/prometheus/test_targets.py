"""Which answers of a registry are a target list: the rule of Prometheus, and ours on top."""

import json

import pytest

from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.targets import TargetGroup, parse_target_list

AGENT = {"targets": ["10.0.0.1:9101"], "labels": {"agent": "invoice-bot", "team": "finance"}}


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_a_list_is_taken_whole_and_in_order(content_type):
    other = {"targets": ["10.0.0.2:9101", "10.0.0.2:9102"], "labels": {}}

    targets = parse_target_list(content_type, json.dumps([AGENT, other]).encode())

    assert targets.size == 3
    assert targets.groups == (
        TargetGroup(("10.0.0.1:9101",), {"agent": "invoice-bot", "team": "finance"}),
        TargetGroup(("10.0.0.2:9101", "10.0.0.2:9102"), {}),
    )
    assert json.loads(targets.render()) == [AGENT, other]


def test_an_empty_list_is_a_list():
    assert json.loads(parse_target_list("application/json", b"[]").render()) == []


def test_a_value_may_hold_any_letter():
    agent = {"targets": ["10.0.0.1:1"], "labels": {"team": 'Büro \N{SNOWMAN} "x"\n'}}

    targets = parse_target_list("application/json", json.dumps([agent]).encode())

    assert json.loads(targets.render()) == [agent]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "10.0.0.1:9101",
        {},
        {"labels": {}},
        {"targets": "10.0.0.1:9101"},
        {"targets": None},
        {"targets": [9101]},
        {"targets": ["10.0.0.1:9101"], "labels": None},
        {"targets": ["10.0.0.1:9101"], "labels": ["agent"]},
        {"targets": ["10.0.0.1:9101"], "labels": {"agent": 1}},
        {"targets": ["10.0.0.1:9101"], "labels": {"agent": None}},
        {"targets": ["10.0.0.1:9101"], "labels": {"agent": "\ud800"}},
        {"targets": ["10.0.0.1:9101"], "labels": {"team-name": "finance"}},
        {"targets": ["10.0.0.1:9101"], "labels": {"1st": "finance"}},
        {"targets": ["10.0.0.1:9101"], "labels": {"": "finance"}},
        {"targets": ["10.0.0.1:9101"], "labels": {"team\n": "finance"}},
        {"targets": ["10.0.0.1:9101"], "labels": {"büro": "finance"}},
        {"targets": ["10.0.0.1:9101"], "labels": {"__scrape_interval__": "10ms"}},
        {"targets": ["10.0.0.1:9101"], "labels": {}, "source": "registry"},
    ],
    ids=json.dumps,
)
def test_one_bad_entry_refuses_the_whole_list(entry):
    with pytest.raises(RegistryTrouble, match="entry 1"):
        parse_target_list("application/json", json.dumps([AGENT, entry]).encode())


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"[]"),
        ("", b"[]"),
        ("application/json; charset=latin-1", b"[]"),
        ("application/problem+json", b"[]"),
        ("application/json", b""),
        ("application/json", b"{}"),
        ("application/json", b"null"),
        ("application/json", b"[] []"),
        ("application/json", b'[{"targets": ["10.0.0.1:9101"], "labels": {'),
        ("application/json", b"\xff[]"),
        ("application/json", b"[" * 100_000),
    ],
)
def test_what_is_no_json_list_is_refused(content_type, body):
    with pytest.raises(RegistryTrouble):
        parse_target_list(content_type, body)
