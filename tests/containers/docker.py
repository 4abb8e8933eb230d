"""Docker and Compose, as commands."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any


class Refused(Exception):
    """A command that failed, with what it said."""


def docker(*arguments: str, seconds: float = 60) -> str:
    """What a docker command says; Refused where it fails."""
    return _said(["docker", *arguments], seconds)


@cache
def compose_command() -> Sequence[str]:
    """Compose v2 where there is one, else docker-compose; Refused where there is neither."""
    if _succeeds(["docker", "compose", "version"]):
        return ("docker", "compose")
    found = shutil.which("docker-compose")
    if found is None:
        raise Refused("Compose is missing: install the package docker-compose")
    return (found,)


def compose(
    folder: Path, environment: Mapping[str, str], *arguments: str, seconds: float = 120
) -> str:
    """What Compose says in this folder; Refused where it fails."""
    return _said([*compose_command(), *arguments], seconds, folder, environment)


def inspected(container: str) -> Mapping[str, Any]:
    """What Docker knows of a container."""
    (found,) = json.loads(docker("inspect", container))
    assert isinstance(found, dict)
    return found


def image_size(image: str) -> int:
    """Its bytes, with those of the images that it is made of."""
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def check_docker() -> None:
    """AssertionError with a sentence where there is no Docker that answers."""
    asked = subprocess.run(["docker", "version"], capture_output=True, text=True)
    assert asked.returncode == 0, f"these tests need a Docker that runs: {asked.stderr.strip()}"


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def _said(
    command: Sequence[str],
    seconds: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds
    )
    if ended.returncode:
        raise Refused(f"{' '.join(command)}: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended.stdout
