"""The blocks of docs/deployment.md, typed."""

import os
import re
import subprocess
from typing import Final

from tests.compose.compose_file import REPOSITORY
from tests.containers.deployment import Deployment
from tests.containers.docker import compose_command, compose_waits

_PAGE: Final = (REPOSITORY / "docs" / "deployment.md").read_text(encoding="utf-8")


def typed(heading: str) -> list[str]:
    """The blocks of commands under a heading, as they stand there."""
    part = _PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", part, re.MULTILINE)
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks]


def run(deployment: Deployment, commands: str) -> str:
    """Types them into a shell on the host; AssertionError with what it says where it fails."""
    ended = attempt(deployment, commands)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def attempt(deployment: Deployment, commands: str) -> subprocess.CompletedProcess[str]:
    """The same, whatever comes of it."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _as_here(deployment, commands)],
        cwd=deployment.folder,
        env={**deployment.environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=600,
    )


def _as_here(deployment: Deployment, commands: str) -> str:
    """The Compose that is here has its own name and knows --wait or not, and `up` is of what is
    run here."""
    services = " ".join(deployment.services)
    commands = re.sub(r"(docker compose up [^#\n]*)", rf"\1 {services} ", commands)
    if not compose_waits():
        commands = commands.replace(" --wait", "")
    return commands.replace("docker compose", " ".join(compose_command()))
