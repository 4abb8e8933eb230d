"""Docker and Compose, as commands."""

import json
import os
import shutil
import subprocess
import sys
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
def compose_commands() -> Sequence[Sequence[str]]:
    """Each Compose that is here: v2 first, where there is one, then docker-compose."""
    plugin = [("docker", "compose")] if _succeeds(["docker", "compose", "version"]) else []
    found = shutil.which("docker-compose")
    return [*plugin, *([(found,)] if found else [])]


def compose_command() -> Sequence[str]:
    """The one that is used; Refused where there is none."""
    if not compose_commands():
        raise Refused("Compose is missing: install the package docker-compose")
    return compose_commands()[0]


@cache
def compose_waits() -> bool:
    """Whether its `up` knows --wait, as that of docker-compose 1.29 does not."""
    return "--wait" in _said([*compose_command(), "up", "--help"], seconds=60)


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
    """AssertionError with a sentence where these tests cannot do what they do."""
    assert sys.platform == "linux", (
        "these tests need Linux: they send signals to the processes in containers, and speak with"
        f" containers by their addresses, which {sys.platform} keeps in a virtual machine"
    )
    assert os.geteuid() == 0, (
        "these tests need root, who alone may send signals to the processes in containers: run"
        " sudo make test-stack"
    )
    assert shutil.which("docker"), "these tests need Docker: install the package docker.io"
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
