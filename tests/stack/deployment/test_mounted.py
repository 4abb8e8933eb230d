"""`make secrets` lets the containers' users read what they mount of the checkout."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pulseguard_stack.deployment.mounted import MOUNTED
from tests.compose.compose_file import SERVICES, mounts
from tests.stack.deployment.host import Host, give_away

WATCHED = "docker/watched"
NOTHING_CHANGED = [
    "secrets: all 11 secrets are there, and stay as they are",
    "next: docker compose up -d --wait",
]


def all_mounted(host: Host) -> list[Path]:
    mounted = [host.folder / name for name in MOUNTED]
    return [each for path in mounted for each in (path, *path.rglob("*"))]


def modes(host: Host) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in all_mounted(host)}


def close(host: Host, umask: int) -> None:
    """Have it as a clone by somebody with this umask."""
    for path in all_mounted(host):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~umask)


def test_what_is_made_readable_is_all_that_services_mount_of_the_checkout_but_the_secrets():
    sources = {source for service in SERVICES for source, _, _ in mounts(service)}

    of_checkout = {source for source in sources if source.startswith(".")}
    secrets = {source for source in of_checkout if source.startswith("./secrets/")}
    assert of_checkout - secrets == {f"./{name}" for name in MOUNTED}


@pytest.mark.parametrize("umask", [0o027, 0o077])
def test_what_a_strict_umask_has_closed_is_readable_afterwards_and_said_once(host, umask):
    open_to_all = modes(host)
    close(host, umask)
    assert modes(host) != open_to_all

    said = host.make("secrets")

    assert modes(host) == open_to_all
    assert open_to_all[host.folder / WATCHED] & 0o005 == 0o005
    assert said.splitlines()[0] == (
        f"{', '.join(MOUNTED)}: made readable, as the containers' users have to read them"
    )
    assert host.make("secrets").splitlines() == NOTHING_CHANGED


def test_only_what_is_closed_is_named(host):
    (host.folder / "prometheus/rules/agent.yml").chmod(0o600)

    said = host.make("secrets")

    assert said.startswith("prometheus/rules: made readable, ")


def test_nobody_may_write_or_run_more_than_before(host):
    close(host, 0o077)

    host.make("secrets")

    assert [path for path, mode in modes(host).items() if mode & 0o022] == []
    assert modes(host)[host.folder / "prometheus/prometheus.yml"] == 0o644


def test_what_is_not_there_is_named_before_docker_makes_a_folder_of_that_name(fresh):
    (fresh.folder / WATCHED).unlink()

    (line,) = fresh.refusal("secrets")

    assert line.startswith(f"make secrets: {WATCHED} is not there, and docker-compose.yml mounts")
    assert f"git checkout -- {WATCHED}" in line
    assert fresh.held() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that another may not change")
def test_what_is_another_users_is_named_with_its_mode_and_the_mend_and_nothing_is_made(fresh):
    give_away(fresh.secrets, *fresh.secrets.iterdir())
    (fresh.folder / WATCHED).chmod(0o700)
    (fresh.folder / "grafana/dashboards").chmod(0o750)

    process = fresh.start_as_ordinary_user("secrets")

    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    watched, dashboards = errors.splitlines()
    assert watched.startswith(f"make secrets: {WATCHED} has mode 0700 and cannot be made readable")
    assert f"{WATCHED} is root's" in watched
    assert f"sudo chmod -R go+rX {WATCHED}" in watched
    assert "grafana/dashboards has mode 0750" in dashboards
    assert fresh.held() == {}
