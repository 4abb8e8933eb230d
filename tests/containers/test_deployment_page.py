"""What docs/deployment.md says to type, typed."""

import os
import re
import subprocess
import time

from tests.compose.compose_file import REPOSITORY
from tests.containers.deployment import Deployment
from tests.containers.docker import compose_command, docker, image_size
from tests.containers.test_fences import BASE, MEGABYTE
from tests.containers.writing import written_all_the_time
from tests.registry.ledger import stored

PAGE = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")


def typed(heading: str) -> list[str]:
    """The blocks of commands under a heading, as they stand there."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", part, re.MULTILINE)
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks]


def run(deployment: Deployment, commands: str) -> str:
    """Types them into a shell on the host; the Compose that is here has its own name."""
    here = commands.replace("docker compose", " ".join(compose_command()))
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here],
        cwd=deployment.folder,
        env={**deployment.environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


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


def test_a_service_that_was_not_given_its_secrets_says_how_they_are_made(
    deployment: Deployment,
) -> None:
    key = deployment.folder / "secrets" / "registry" / "admin.key"
    kept = key.read_bytes()
    key.unlink()
    try:
        ended = subprocess.run(
            [*compose_command(), "up", "make-secrets"],
            cwd=deployment.folder,
            env=deployment.environment,
            capture_output=True,
            text=True,
        )
    finally:
        key.write_bytes(kept)
    assert "run make secrets" in ended.stdout + ended.stderr
