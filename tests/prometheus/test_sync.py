"""What `pulseguard sync` makes of a registry's answers: the file is right, or as it was."""

import json
import os
from collections.abc import Callable

import pytest

from tests.prometheus.fakes import FLEET, JSON, Reply, asked_again, list_reply, target
from tests.prometheus_server import eventually


def test_the_list_of_the_registry_becomes_the_file(sync, registry):
    sync.start(registry.url)

    assert eventually(sync.targets) == FLEET
    assert sync.file.stat().st_mode & 0o444 == 0o444 & ~os.umask(os.umask(0o022))


def test_an_unchanged_list_is_asked_for_by_its_etag_and_not_written_again(sync, registry):
    sync.start(registry.url)
    eventually(sync.targets)
    written = sync.file.stat()
    asked_again(registry)

    assert sync.file.stat() == written
    assert registry.asked[0].headers.get("If-None-Match") is None
    assert {each.headers.get("If-None-Match") for each in registry.asked[1:]} == {'"1"'}
    assert len({each.client_port for each in registry.asked}) == 1, "one kept connection"


def test_the_same_list_without_an_etag_is_neither_written_nor_logged_again(sync, registry):
    registry.reply = list_reply(*FLEET)
    sync.start(registry.url)
    eventually(sync.targets)
    written = sync.file.stat()
    asked_again(registry)

    assert sync.file.stat() == written
    assert sync.said() == [f"{sync.file} has 2 targets"]


def test_a_changed_list_replaces_the_file_and_the_count_is_logged_once(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    registry.reply = list_reply(FLEET[0], etag='"2"')
    eventually(lambda: sync.targets() == [FLEET[0]])
    asked_again(registry)

    assert sync.said() == [f"{sync.file} has 2 targets", f"{sync.file} has 1 targets, before 2"]


def test_an_empty_list_is_written_when_the_registry_says_so(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    registry.reply = list_reply(etag='"2"')

    eventually(lambda: sync.targets() == [])


def test_a_file_that_somebody_changed_is_put_right(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    sync.file.write_text("[]")
    eventually(lambda: sync.targets() == FLEET)
    sync.file.unlink()

    eventually(lambda: sync.targets() == FLEET)


CUT_SHORT = JSON | {"Content-Length": "99", "Connection": "close"}
BAD_ANSWERS: dict[str, Callable[[object], Reply | None]] = {
    "503": lambda _: Reply(503, {"Content-Type": "application/problem+json"}, b"{}"),
    "500 with a list": lambda _: Reply(500, JSON, b"[]"),
    "401": lambda _: Reply(401, JSON, b"[]"),
    "404": lambda _: Reply(404, JSON, b"[]"),
    "206": lambda _: Reply(206, JSON, b"[]"),
    "204": lambda _: Reply(204, JSON),
    "redirect": lambda _: Reply(302, {"Location": "/elsewhere"}),
    "html": lambda _: Reply(200, {"Content-Type": "text/html"}, b"[]"),
    "not json": lambda _: Reply(200, JSON, b"<html>"),
    "object": lambda _: Reply(200, JSON, b'{"status": "ok"}'),
    "bad label": lambda _: Reply(200, JSON, b'[{"targets": [], "labels": {"__scheme__": "x"}}]'),
    "cut short": lambda _: Reply(
        200, JSON | {"Content-Length": "99", "Connection": "close"}, b"[]"
    ),
    "closed": lambda _: None,
}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_anything_but_a_good_list_leaves_the_file_alone(sync, registry, answer):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    written = sync.file.stat()
    registry.reply = BAD_ANSWERS[answer]
    asked_again(registry)
    eventually(lambda: len(sync.said()) > 1)

    assert sync.file.stat() == written
    registry.reply = list_reply(etag='"2"')
    eventually(lambda: sync.targets() == [])


def test_a_304_that_nobody_asked_for_is_no_confirmation(sync, registry):
    registry.reply = lambda _: Reply(304)
    sync.start(registry.url)
    eventually(lambda: sync.log.exists() and sync.said())

    assert "304" in sync.said()[0]
    assert sync.targets() is None


def test_trouble_is_one_line_when_it_starts_and_one_when_it_ends(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    registry.reply = BAD_ANSWERS["503"]
    asked_again(registry, 6)
    registry.reply = list_reply(*FLEET, etag='"1"')
    eventually(lambda: len(sync.said()) > 2)
    asked_again(registry, 3)

    _, start, end = sync.said()
    assert start == (
        f"{sync.file} stays as it is: the registry answers 503; "
        "its log and its /api/v1/health/ready say why"
    )
    assert end.startswith(f"{sync.file} is kept again, after ")


def test_a_registry_that_is_away_is_found_when_it_returns(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    registry.stop()
    eventually(lambda: "Connection refused" in sync.said()[-1])
    assert sync.targets() == FLEET
    registry.reply = list_reply(FLEET[1], etag='"9"')
    registry.start()

    eventually(lambda: sync.targets() == [FLEET[1]])


def test_a_kept_connection_that_the_registry_closed_is_no_trouble(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    registry.stop()
    registry.start()
    asked_again(registry)

    assert [line for line in sync.said() if "closed" in line] == []


def test_a_reader_never_sees_half_a_file(sync, registry):
    long = [target(f"10.0.{n}.1:9101", agent=f"agent-{n}") for n in range(250)]
    replies = [list_reply(*long), list_reply(FLEET[0])]
    registry.reply = lambda asked: replies[len(registry.asked) % 2](asked)
    sync.start(registry.url)
    eventually(sync.file.exists)
    seen = set()
    enough = len(registry.asked) + 20
    while len(registry.asked) < enough:
        seen.add(len(json.loads(sync.file.read_bytes())))

    assert seen == {1, 250}


def test_a_file_that_cannot_be_written_is_trouble_and_not_the_end(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    beside = sync.file.with_name(".agents.json.new")
    beside.mkdir()
    registry.reply = list_reply(etag='"2"')
    eventually(lambda: len(sync.said()) > 1)
    assert "cannot be written" in sync.said()[1]
    assert sync.targets() == FLEET
    beside.rmdir()

    eventually(lambda: sync.targets() == [])
