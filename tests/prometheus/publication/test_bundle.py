"""Which answers of a registry are a bundle of rules: all of it, or nothing."""

import json

import pytest

from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.publication.bundle import parse_bundle
from tests.prometheus.publication.rules_registry import constant, id_of

ID = id_of("group")
GROUP = {"id": ID, "name": "group", "file": f"{ID}.yml", "revision": 3, "content": constant("a")}


def parse(document: object, content_type: str = "application/json"):
    return parse_bundle(content_type, json.dumps(document).encode())


def test_a_bundle_is_taken_whole_and_in_order():
    other = id_of("other")

    bundle = parse(
        {"version": 17, "groups": [GROUP, GROUP | {"id": other, "file": f"{other}.yml"}]}
    )

    assert bundle.version == 17
    assert [group.file for group in bundle.groups] == [f"{ID}.yml", f"{other}.yml"]
    assert (bundle.groups[0].revision, bundle.groups[0].content) == (3, constant("a"))


def test_an_empty_bundle_is_one():
    assert parse({"version": 0, "groups": []}).groups == ()


@pytest.mark.parametrize(
    "change",
    [
        {"file": "../prometheus.yml"},
        {"file": f"/etc/{ID}.yml"},
        {"file": f"{id_of('other')}.yml"},
        {"file": f"{ID}.yml\n"},
        {"file": None},
        {"id": "../x", "file": "../x.yml"},
        {"id": ID.upper(), "file": f"{ID.upper()}.yml"},
        {"id": ID.replace("-", ""), "file": f"{ID.replace('-', '')}.yml"},
        {"id": "", "file": ".yml"},
        {"id": 7},
        {"revision": "3"},
        {"revision": True},
        {"revision": -1},
        {"revision": 2**63},
        {"revision": 1.5},
        {"name": None},
        {"name": "\ud800"},
        {"content": {"groups": []}},
        {"content": "\udfff"},
        {"more": 1},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
def test_one_bad_group_refuses_the_whole_bundle(change):
    other = GROUP | {"id": id_of("other"), "file": f"{id_of('other')}.yml"}

    with pytest.raises(RegistryTrouble, match="group 1"):
        parse({"version": 1, "groups": [other, GROUP | change]})


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {},
        {"version": 1},
        {"groups": []},
        {"version": "1", "groups": []},
        {"version": True, "groups": []},
        {"version": 1, "groups": {}},
        {"version": 1, "groups": [GROUP, GROUP]},
        {"version": 1, "groups": [[]]},
        {"version": 1, "groups": [{"id": ID}]},
        {"version": 1, "groups": [], "more": 1},
    ],
    ids=lambda document: json.dumps(document)[:40],
)
def test_what_is_no_bundle_is_refused(document):
    with pytest.raises(RegistryTrouble):
        parse(document)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b'{"version": 1, "groups": []}'),
        ("application/json", b'{"version": 1, "groups": ['),
        ("application/json", b"\xff"),
        ("application/json", b"[" * 100_000),
    ],
)
def test_what_is_no_json_is_refused(content_type, body):
    with pytest.raises(RegistryTrouble):
        parse_bundle(content_type, body)
