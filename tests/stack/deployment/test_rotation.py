"""`make secrets ROTATE=1`: new API keys, which the registry has before anybody uses them."""

from __future__ import annotations

import fcntl
import signal
import subprocess

import pytest

from pulseguard_registry.access.tokens import is_well_formed
from pulseguard_stack.deployment.rotation import rotate_keys
from tests.stack.deployment.host import COPIES, FILES, KEYS, Host

COMMAND = ("-m", "pulseguard_stack.deployment", "secrets")


def start_and_wait_for_the_pause(host: Host) -> subprocess.Popen[str]:
    process = host.start_python(*COMMAND, ROTATE="1")
    assert process.stdout is not None
    while "waiting 5 s" not in (line := process.stdout.readline()):
        assert line, "it ended"
    return process


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {path for path in FILES if before[path] != after[path]}


def test_all_keys_are_new_and_passwords_and_pepper_are_not(host):
    before = host.held()

    said = host.make("secrets", "ROTATE=1")

    after = host.check_whole()
    assert changed(before, after) == KEYS | set(COPIES)
    assert {path for path in KEYS if not is_well_formed(after[path].strip())} == set()
    assert {path: after[path].split("_")[1] for path in KEYS} == {
        path: before[path].split("_")[1] for path in KEYS
    }
    assert "The former keys work for 15 minutes more" in said
    assert "secrets/registry/agents.key to agents elsewhere" in said
    assert "Passwords, the pepper and Grafana's secret.key are as they were" in said
    assert [path for path, text in (before | after).items() if text.strip() in said] == []
    assert [path for path, text in before.items() if text.strip() in said] == []


def test_the_registry_has_the_new_keys_five_seconds_before_the_others(host):
    before = host.held()
    during: list[tuple[float, set[str]]] = []

    rotate_keys(
        host.secrets,
        lambda text: None,
        lambda seconds: during.append((seconds, changed(before, host.held()))),
    )

    assert during == [(5.0, KEYS)]
    host.check_whole()


def test_killed_in_between_the_next_one_puts_the_copies_right(host):
    process = start_and_wait_for_the_pause(host)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    rotated = host.held()
    assert {path for path, source in COPIES.items() if rotated[path] == rotated[source]} == set()

    said = host.make("secrets")

    assert {path: text for path, text in host.check_whole().items() if path not in COPIES} == {
        path: text for path, text in rotated.items() if path not in COPIES
    }
    assert "put right" in said


def test_interrupted_in_between_it_says_how_to_go_on(host):
    process = start_and_wait_for_the_pause(host)
    process.send_signal(signal.SIGINT)

    _, errors = process.communicate(timeout=60)
    assert errors == "make secrets: interrupted; `make secrets` does what is left\n"
    assert process.returncode == 130


def test_until_it_has_ended_no_other_run_begins(host):
    process = start_and_wait_for_the_pause(host)

    with (host.secrets / ".lock").open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    process.kill()
    process.communicate(timeout=60)


@pytest.mark.parametrize("missing", ["registry/admin.key", "prometheus/prometheus.key", None])
def test_without_secrets_there_is_nothing_to_rotate(fresh, host, missing):
    where = host if missing else fresh
    if missing:
        (host.secrets / missing).unlink()
    before = where.held()

    (line,) = where.refusal("secrets", "ROTATE=1")

    assert f"secrets/{missing or 'postgres/postgres.password'} is not; run `make secrets`" in line
    assert where.held() == before


@pytest.mark.parametrize("asked", ["yes", "2", "true", "'"])
def test_what_is_neither_yes_nor_no_is_refused(host, asked):
    before = host.held()

    (line,) = host.refusal("secrets", f"ROTATE={asked}")

    assert f"ROTATE={asked}: give 1 for new API keys" in line
    assert host.held() == before


@pytest.mark.parametrize("asked", ["0", ""])
def test_no_is_as_nothing(host, asked):
    before = host.held()

    host.make("secrets", f"ROTATE={asked}")

    assert host.held() == before
