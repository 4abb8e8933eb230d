"""What docs/deployment.md says to type, typed."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import copy_of_checkout
from tests.compose.compose_file import ONE_SHOT
from tests.containers.deployment import DEMO_AGENTS, Deployment, eventually
from tests.containers.docker import compose_commands, docker, image_size, inspected
from tests.containers.page import attempt, run, typed
from tests.containers.test_fences import BASE, MEGABYTE
from tests.containers.writing import written_all_the_time
from tests.registry.ledger import stored

NEWER_RULES = """\
groups:
  - name: newer
    rules:
      - record: pulseguard:newer
        expr: vector(1)
"""


@pytest.fixture
def fresh(running: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """Another deployment of the same images, of which nothing has been typed yet."""
    deployment = Deployment(copy_of_checkout(tmp_path / "fresh"), images=running.project)
    yield deployment
    deployment.compose("down", "--volumes", "--remove-orphans")


def test_every_compose_that_is_here_reads_the_file_and_has_nothing_to_say_of_it(
    running: Deployment,
) -> None:
    for command in compose_commands():
        ended = subprocess.run(
            [*command, "config", "--quiet"],
            cwd=running.folder,
            env=running.environment,
            capture_output=True,
            text=True,
        )
        assert (ended.returncode, ended.stdout + ended.stderr) == (0, ""), command


def test_without_secrets_nothing_starts_and_the_way_to_make_them_is_named_until_all_is_gone(
    fresh: Deployment,
) -> None:
    ended = attempt(fresh, "docker compose up -d --wait")

    assert ended.returncode != 0
    assert ONE_SHOT in ended.stdout + ended.stderr
    assert "run make secrets" in fresh.compose("logs", ONE_SHOT)
    containers = [inspected(each) for each in owned(fresh, "container")]
    assert {each["State"]["Running"] for each in containers} == {False}
    assert [
        each["Config"]["Labels"]["com.docker.compose.service"]
        for each in containers
        if each["State"]["Status"] != "created"
    ] == [ONE_SHOT]
    assert owned(fresh, "volume")

    (_, all_gone) = typed("Down")[0].splitlines()
    run(fresh, all_gone)

    assert [owned(fresh, kind) for kind in ("container", "volume", "network")] == [[], [], []]


def owned(deployment: Deployment, kind: str) -> list[str]:
    """What of this kind belongs to its project."""
    label = f"--filter=label=com.docker.compose.project={deployment.project}"
    also_ended = ["--all"] if kind == "container" else []
    return docker(kind, "ls", "--quiet", *also_ended, label).split()


def test_a_backup_gives_back_the_same_service(deployment: Deployment) -> None:
    backup, restore = typed("Backup")
    with written_all_the_time(deployment):
        time.sleep(2)
        run(deployment, backup)
    (dump,) = (deployment.folder / "backups").iterdir()
    with written_all_the_time(deployment):
        time.sleep(2)
    agents = deployment.agents()
    later = stored(deployment.database_url())
    deployment.run_in("postgres", "psql", "-qU", "pulseguard", "-c", "DELETE FROM agents")

    run(deployment, re.sub(r"backups/\S+\.dump", f"backups/{dump.name}", restore))

    deployment.wait_until_healthy()
    back = stored(deployment.database_url())
    assert back < later
    assert {agent["id"] for agent in deployment.agents().values()} == {
        agent["id"] for agent in agents.values()
    }


def test_the_base_for_agents_is_built_as_the_page_says_and_is_small(
    deployment: Deployment,
) -> None:
    (settings, build) = typed("Agents")
    tag = f"pulseguard-agent:{deployment.project}"
    run(deployment, build.replace("pulseguard-agent", tag))
    try:
        assert image_size(tag) - image_size(BASE) < 30 * MEGABYTE
        docker("run", "--rm", tag, "python", "-c", "from pulseguard import Agent")
        assert "PULSEGUARD_KEY_FILE=" in settings
    finally:
        docker("image", "rm", tag)


def test_an_upgrade_runs_what_is_newer_everywhere_and_keeps_what_there_was(
    deployment: Deployment, tmp_path: Path
) -> None:
    publish_newer(deployment, tmp_path / "origin")
    former = {name: inspected(deployment.container(name)) for name in deployment.services}
    with written_all_the_time(deployment):
        time.sleep(2)
    before = stored(deployment.database_url())
    (upgrade,) = typed("Upgrade")

    run(deployment, upgrade)

    deployment.wait_until_healthy()
    # What is in an image, and what is mounted from the checkout: a file that git has replaced is
    # the old one in a container until that is made anew.
    for service in ("registry", "sync", *DEMO_AGENTS):
        assert inspected(deployment.container(service))["Image"] != former[service]["Image"]
    eventually(lambda: deployment.query("pulseguard:newer"))
    assert [name for name in former if deployment.container(name) == former[name]["Id"]] == []
    assert before - stored(deployment.database_url()) == set()
    remove_unnamed({former[service]["Image"] for service in ("registry", "sync", "coder")})


def remove_unnamed(images: set[str]) -> None:
    """Those of them that have no name any more: another one's may be the same."""
    unnamed = docker("image", "ls", "--quiet", "--no-trunc", "--filter=dangling=true").split()
    for image in images.intersection(unnamed):
        docker("image", "rm", "--force", image)


def publish_newer(deployment: Deployment, origin: Path) -> None:
    """Makes its folder a clone, of which the origin has one commit more."""
    git(deployment.folder, "init", "--quiet", "--initial-branch=main")
    git(deployment.folder, "add", "--all")
    git(deployment.folder, "commit", "--quiet", "--message=as it is")
    git(deployment.folder, "clone", "--quiet", ".", str(origin))
    (origin / "prometheus" / "rules" / "newer.yml").write_text(NEWER_RULES, encoding="utf-8")
    with (origin / "exporters" / "pulseguard" / "version.py").open("a", encoding="utf-8") as code:
        code.write("# Newer.\n")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message=newer")
    git(deployment.folder, "remote", "add", "origin", str(origin))
    git(deployment.folder, "fetch", "--quiet", "origin")
    git(deployment.folder, "branch", "--quiet", "--set-upstream-to=origin/main")


def git(folder: Path, *arguments: str) -> None:
    """Git as somebody, whoever runs this."""
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)
