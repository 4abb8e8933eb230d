"""What Docker is asked to do for the stack: fetch an image, and end a container of ours."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pulseguard_stack.errors import ImageMissing
from pulseguard_stack.runner.owned_files import read_json_object, write_owned_json
from pulseguard_stack.runner.processes import wait_for

ANSWER_SECONDS = 10.0
PULL_SECONDS = 600.0
# Docker itself gives a container ten seconds to end.
STOP_SECONDS = 15.0
# In its words: its containers have a loopback of their own even in the network of the host.
ROOTLESS = "name=rootless"


def docker_fault(docker: Path) -> str | None:
    """Why this Docker cannot run anything, in its own words; None where it can."""
    # Not `info` alone: older clients have no reason there, only a template that does not fit.
    for asked_for in (["version"], ["info", "--format", "{{.SecurityOptions}}"]):
        asked = _run([str(docker), *asked_for], ANSWER_SECONDS)
        if asked is None:
            return f"docker {asked_for[0]} does not answer within {ANSWER_SECONDS:.0f} s"
        if asked.returncode != 0:
            return _last_words(asked)
        if ROOTLESS in asked.stdout:
            return "it is rootless, and does not share our loopback"
    return None


def has_image(docker: Path, image: str) -> bool:
    """Whether the image is on this machine already."""
    asked = _run([str(docker), "image", "inspect", image], ANSWER_SECONDS)
    return asked is not None and asked.returncode == 0


def pull_image(docker: Path, image: str) -> None:
    """Fetches the image. Raises ImageMissing, with what Docker says."""
    pulled = _run([str(docker), "pull", image], PULL_SECONDS)
    if pulled is None:
        raise ImageMissing(f"{image} could not be pulled within {PULL_SECONDS / 60:.0f} minutes")
    if pulled.returncode != 0:
        raise ImageMissing(f"{image} could not be pulled ({_last_words(pulled)})")


def container_name(component: str, stack: Path) -> str:
    """The name of a component's container: the same for a stack each time, another for another."""
    return f"pulseguard-{component}-{hashlib.sha256(bytes(stack)).hexdigest()[:12]}"


def note_container(file: Path, docker: Path, name: str) -> None:
    """Notes, before it is started, that there may be this container."""
    write_owned_json(file, {"docker": str(docker), "name": name})


def end_noted_container(file: Path) -> bool:
    """Ends the container of the note, then takes the note away; whether there was one to end.

    Where Docker does not answer, the note stays for the next time.
    """
    noted = read_json_object(file)
    if noted is None:
        return False
    docker, name = str(noted.get("docker")), str(noted.get("name"))
    was_there = _is_there(docker, name)
    if was_there is None:
        return False
    if was_there:
        _run([docker, "stop", name], STOP_SECONDS)
    # Docker takes it away by itself, a moment later: until then its name cannot be had again.
    if not was_there or wait_for(lambda: _is_removed(docker, name), STOP_SECONDS):
        file.unlink(missing_ok=True)
    return was_there


def _is_removed(docker: str, name: str) -> bool:
    is_there = _is_there(docker, name)
    if is_there:
        _run([docker, "rm", "--force", name], ANSWER_SECONDS)
    return is_there is False


def _is_there(docker: str, name: str) -> bool | None:
    """Whether there is such a container, running or not; None where Docker does not say."""
    filtered = ["--all", "--quiet", "--filter", f"name={name}"]
    listed = _run([docker, "ps", *filtered], ANSWER_SECONDS)
    return None if listed is None or listed.returncode != 0 else bool(listed.stdout.strip())


def _run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str] | None:
    """What came of it; None where it did not end in time, or cannot be run at all."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _last_words(ended: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"status {ended.returncode}, without a word"
