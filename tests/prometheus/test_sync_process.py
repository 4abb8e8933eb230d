"""`pulseguard sync` as a process: its key, its lock, its signals, its refusals."""

import signal
from pathlib import Path

import pytest

from tests.prometheus.fakes import FLEET, JSON, Asked, Reply, fake_server, list_reply
from tests.prometheus.publication.rules_registry import RulesRegistry, constant
from tests.prometheus.sync_process import SyncProcess
from tests.prometheus_server import eventually


def test_the_key_is_sent_and_taken_anew_when_its_file_changes(sync, registry):
    sync.key_file.write_text("first-key\n")
    sync.start(registry.url, "--key-file", str(sync.key_file))
    eventually(lambda: sync.targets() == FLEET)
    sync.key_file.write_text("second-key\n")
    eventually(lambda: registry.asked[-1].headers["Authorization"] == "Bearer second-key")
    sync.end()

    assert {each.headers["Authorization"] for each in registry.asked} == {
        "Bearer first-key",
        "Bearer second-key",
    }
    assert "-key\n" not in sync.log.read_text()


@pytest.mark.parametrize("content", [None, b"", b"two secrets", b"secr\xffet", b"se\ncret"])
def test_a_bad_key_file_is_trouble_that_tells_no_secret(sync, registry, content):
    if content is not None:
        sync.key_file.write_bytes(content)
    sync.start(registry.url, "--key-file", str(sync.key_file))
    eventually(lambda: sync.log.exists() and sync.said())

    assert str(sync.key_file) in sync.said()[0]
    assert "secr" not in sync.said()[0].replace(str(sync.key_file), "")
    assert registry.asked == []
    sync.key_file.write_text("good-key")
    eventually(lambda: sync.targets() == FLEET)


def test_a_second_sync_on_the_file_says_so_and_ends(sync, registry, tmp_path):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    second = SyncProcess(tmp_path)
    second.log = tmp_path / "second.log"
    second.start(registry.url)

    assert second.process
    assert second.process.wait(5) == 1
    assert second.log.read_text() == (
        f"pulseguard sync: another pulseguard sync keeps {sync.file}: "
        "stop that one, or name another targets file\n"
    )
    assert sync.end() == 0


def test_a_sync_that_was_killed_does_not_lock_out_the_next(sync, registry):
    sync.start(registry.url)
    eventually(lambda: sync.targets() == FLEET)
    sync.end(signal.SIGKILL)
    registry.reply = list_reply(etag='"2"')
    sync.start(registry.url)

    eventually(lambda: sync.targets() == [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("doing", ["waiting for the next question", "waiting for an answer"])
def test_a_signal_ends_it_at_once_with_success(sync, registry, number, doing):
    if doing == "waiting for an answer":
        registry.reply = lambda _: Reply(200, JSON, b"[]", pause_seconds=60)
    sync.start(registry.url, "--interval", "60")
    eventually(lambda: registry.asked)
    if doing == "waiting for the next question":
        eventually(sync.targets)

    assert sync.end(number) == 0
    assert "Traceback" not in sync.log.read_text()


def test_a_bad_value_is_one_line_and_status_2(sync):
    sync.start("registry")

    assert sync.process
    assert sync.process.wait(5) == 2
    assert sync.said() == ["registry URL 'registry': write it like http://registry:8000"]


def test_a_folder_in_place_of_the_file_is_a_bad_value(sync):
    sync.file.mkdir(parents=True)
    sync.start("http://127.0.0.1:8000")

    assert sync.process
    assert sync.process.wait(5) == 2
    assert "this is a folder" in sync.said()[0]


def beside(tmp_path: Path, promtool: str) -> dict[str, str]:
    """The variables of a sync that keeps rules too."""
    return {
        "PULSEGUARD_PROMETHEUS_URL": "http://127.0.0.1:9",
        "PULSEGUARD_RULES_DIR": str(tmp_path / "user-rules"),
        "PULSEGUARD_PROMTOOL": promtool,
    }


def test_rules_without_a_promtool_stop_the_start(sync, tmp_path):
    sync.start("http://127.0.0.1:8000", PATH=str(tmp_path), **beside(tmp_path, ""))

    assert sync.process
    assert sync.process.wait(5) == 2
    (said,) = sync.said()
    assert said.startswith("promtool is missing")
    assert "--promtool" in said


# Not longer than the one that has started it.
WAITING = "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done"


def test_a_promtool_that_hangs_delays_no_target(sync, tmp_path):
    promtool = tmp_path / "promtool"
    promtool.write_text(f"#!/bin/sh\ntouch {tmp_path}/began\n{WAITING}\n")
    promtool.chmod(0o755)
    rules = RulesRegistry()
    rules.put("group", constant("group"))
    first, second = list_reply(*FLEET, etag='"1"'), list_reply(FLEET[0], etag='"2"')
    targets = first

    def reply(asked: Asked) -> Reply | None:
        return targets(asked) if asked.path.endswith("/targets") else rules.reply(asked)

    with fake_server(reply) as registry:
        sync.start(registry.url, **beside(tmp_path, str(promtool)))
        eventually((tmp_path / "began").exists)
        targets = second

        eventually(lambda: sync.targets() == [FLEET[0]], timeout_seconds=2)
        assert rules.reports == []
        assert list((tmp_path / "user-rules").glob("*.yml")) == []
        assert sync.end() == 0
        assert "Traceback" not in sync.log.read_text()
