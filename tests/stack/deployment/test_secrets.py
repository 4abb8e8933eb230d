"""`make secrets`: everything that docker-compose.yml mounts is there, and what was there stays."""

from __future__ import annotations

import fcntl
import re
import shutil
import stat
import subprocess

import pytest

from pulseguard_registry.access.tokens import is_well_formed
from pulseguard_registry.pepper import check_pepper
from tests.stack.deployment.host import COPIES, FILES, KEYS, Host, cloned_secrets
from tests.test_architecture import ROOT

FOLDERS = {"postgres", "registry", "prometheus", "demo-agents", "grafana", "receivers"}
DATABASE = "registry/database.url"
PASSWORD = "postgres/postgres.password"
# Kills the process at the renaming of a number, before it is done.
KILLED = """
import os, signal, sys
from pathlib import Path
from pulseguard_stack.deployment.command import main
left, replace = [int(sys.argv[1])], Path.replace
def killing(self, target):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = killing
sys.exit(main(["secrets"], {}))
"""


def inodes(host: Host) -> dict[str, int]:
    return {path: (host.secrets / path).stat().st_ino for path in host.held()}


def modes(host: Host) -> dict[str, int]:
    found = [host.secrets, *host.secrets.rglob("*")]
    return {
        str(path.relative_to(host.secrets)): stat.S_IMODE(path.stat().st_mode)
        for path in found
        if not path.name.startswith(".git") and path.name != ".lock"
    }


def test_a_clone_has_the_folders_that_are_mounted_and_no_secret():
    below = {str(file.relative_to(ROOT / "secrets")) for file in cloned_secrets()}

    assert below == {".gitignore", *(f"{folder}/.gitkeep" for folder in FOLDERS)}


def test_a_fresh_clone_gets_every_secret(fresh):
    fresh.make("secrets")

    held = fresh.check_whole()
    texts = {path: text.removesuffix("\n") for path, text in held.items()}
    assert {path for path, text in held.items() if text != f"{texts[path]}\n"} == set()
    assert re.fullmatch("[0-9A-Za-z]{40}", texts[PASSWORD])
    assert texts[DATABASE] == f"postgresql://pulseguard:{texts[PASSWORD]}@postgres:5432/pulseguard"
    assert len(texts["registry/pepper"]) >= 43
    check_pepper(texts["registry/pepper"], "made")
    assert "$" not in texts["grafana/admin.password"] + texts["grafana/secret.key"]
    assert all(is_well_formed(texts[path]) for path in KEYS)
    assert {path: texts[path].split("_")[1] for path in KEYS} == {
        "registry/admin.key": "admin",
        "registry/prometheus.key": "prometheus",
        "registry/agents.key": "agent",
        "registry/demo.key": "agent",
    }


def test_no_two_secrets_are_the_same_and_none_is_another_hosts(fresh, host):
    fresh.make("secrets")

    own = [text for path, text in fresh.held().items() if path not in COPIES]
    assert len(set(own)) == len(own)
    assert set(own).isdisjoint(host.held().values())


def test_containers_may_read_the_files_and_nobody_else_passes_the_folder(fresh):
    fresh.make("secrets")

    assert modes(fresh) == {".": 0o700} | dict.fromkeys(FOLDERS, 0o755) | dict.fromkeys(
        FILES, 0o444
    )


def test_modes_are_put_right(host):
    host.secrets.chmod(0o755)
    (host.secrets / "registry").chmod(0o700)
    (host.secrets / "registry/pepper").chmod(0o600)

    host.make("secrets")

    assert modes(host)["."] == 0o700
    assert modes(host)["registry"] == 0o755
    assert modes(host)["registry/pepper"] == 0o444


def test_what_was_made_is_said_with_the_next_command_and_no_secret(fresh):
    said = fresh.make("secrets")

    assert "secrets/registry: made database.url, pepper, prometheus.key" in said
    assert said.endswith("\nnext: docker compose up -d --wait\n")
    assert "attention" not in said
    assert [path for path, text in fresh.held().items() if text.strip() in said] == []


def test_a_second_time_nothing_is_touched(host):
    before = inodes(host)

    said = host.make("secrets")

    assert inodes(host) == before
    assert said.splitlines() == [
        "secrets: all 11 secrets are there, and stay as they are",
        "next: docker compose up -d --wait",
    ]


@pytest.mark.parametrize("path", sorted(FILES - {PASSWORD, *COPIES}))
def test_what_is_missing_is_made_and_the_rest_stays(host, path):
    before = host.held()
    (host.secrets / path).unlink()

    host.make("secrets")

    after = host.check_whole()
    made = {path, *(copy for copy, source in COPIES.items() if source == path)}
    # The database URL is made of the password, and so as it was.
    changed = {path for path in FILES if after[path] != before[path]}
    assert changed == (made if path != DATABASE else set())


def test_copies_are_put_right_from_the_registrys(host):
    before = host.held()
    host.write("prometheus/prometheus.key", "another\n")
    host.write("demo-agents/demo.key", "")

    said = host.make("secrets")

    assert host.held() == before
    assert "secrets/prometheus: put right prometheus.key" in said


def test_the_database_url_follows_the_password(host):
    host.write(PASSWORD, "p@ss/w:rd\n")
    host.write(DATABASE, f"{host.held()[DATABASE].strip()}?connect_timeout=5\n")

    host.make("secrets")

    assert host.held()[PASSWORD] == "p@ss/w:rd\n"
    assert host.held()[DATABASE] == (
        "postgresql://pulseguard:p%40ss%2Fw%3Ard@postgres:5432/pulseguard?connect_timeout=5\n"
    )


def test_the_url_of_another_server_stays(host):
    elsewhere = "postgresql://me:hush@db.example:5433/fleet\n"
    host.write(DATABASE, elsewhere)

    host.make("secrets")

    assert host.held()[DATABASE] == elsewhere


def test_a_lost_password_is_taken_from_the_database_url(host):
    before = host.held()
    (host.secrets / PASSWORD).unlink()

    said = host.make("secrets")

    assert host.held() == before
    assert "attention" not in said


@pytest.mark.parametrize("path", [PASSWORD, "registry/pepper", "grafana/secret.key"])
def test_that_data_are_of_a_secret_that_was_lost_is_said(host, path):
    (host.secrets / path).unlink()
    (host.secrets / DATABASE).unlink()

    said = host.make("secrets")

    assert f"attention: secrets/{path} was lost" in said


@pytest.mark.parametrize("renamed", range(len(FILES)))
def test_killed_at_any_moment_the_next_one_does_what_is_left(fresh, renamed):
    killed = fresh.start_python("-c", KILLED, str(renamed))
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    there = {path: text for path, text in fresh.held().items() if not path.endswith(".new")}
    assert len(there) == renamed
    assert "registry/admin.key" not in there, "it tells that all are there"

    said = fresh.make("secrets")

    after = fresh.check_whole()
    assert {path: after[path] for path in there} == there
    assert "attention" not in said


def test_many_at_once_make_secrets_of_one_kind(fresh):
    together = [fresh.start_make("secrets") for _ in range(4)]

    said = [process.communicate(timeout=60)[0] for process in together]

    assert [process.returncode for process in together] == [0] * 4
    fresh.check_whole()
    assert sum("stay as they are" in each for each in said) == 3


def test_one_waits_for_the_other_and_says_so(fresh):
    with (fresh.secrets / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = fresh.start_make("secrets")
        assert second.stdout is not None
        assert "another `make secrets` is at work" in second.stdout.readline()
        assert fresh.held() == {}

    assert "made admin.password" in second.communicate(timeout=60)[0]
    fresh.check_whole()


def test_git_takes_none_of_them_even_where_the_whole_folder_was_removed(fresh):
    shutil.rmtree(fresh.secrets)
    fresh.make("secrets")
    (fresh.secrets / "receivers" / "slack.url").write_text("https://hooks.example/T0/B0/x\n")
    git = ["git", "-C", str(fresh.folder)]
    subprocess.run([*git, "init", "--quiet"], check=True)

    listed = subprocess.run(
        [*git, "ls-files", "--others", "--exclude-standard", "secrets"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert listed == "secrets/.gitignore\n"
    assert (fresh.secrets / ".gitignore").read_text() == (ROOT / "secrets/.gitignore").read_text()


def test_no_bytecode_is_left_in_the_clone(tmp_path):
    host = Host(tmp_path)
    host.clone()
    without = shutil.ignore_patterns("__pycache__")
    for name in ("registry", "prometheus/pulseguard_prometheus", "stack"):
        (tmp_path / name).unlink()
        shutil.copytree(ROOT / name, tmp_path / name, ignore=without, symlinks=True)

    host.make("secrets", "urls")

    assert list(tmp_path.rglob("*.pyc")) == []


def test_help_names_both_targets(fresh):
    said = fresh.make("help")

    assert re.search(r"^  make secrets +\S.*ROTATE=1", said, re.MULTILINE)
    assert re.search(r"^  make urls +\S", said, re.MULTILINE)


def test_a_python_that_is_too_old_is_told(fresh):
    old = fresh.folder / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    process = fresh.start("make", "secrets", f"PYTHON={old}")

    _, errors = process.communicate(timeout=60)
    assert errors.splitlines()[0] == (
        "Python 3.11 or later is needed: make secrets PYTHON=python3.11"
    )
    assert fresh.held() == {}
