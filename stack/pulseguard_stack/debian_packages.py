"""Debian's packages, unpacked without root and without touching what the system has installed."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pulseguard_stack.errors import PackageMissing

FETCH_TIMEOUT_SECONDS = 300
# The hooks of a desktop or a container image speak of the system's lists, not of ours, and
# only a configuration file can clear them: apt's -o can add to a list, never empty it.
APT_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def unpack_packages(
    packages: Sequence[str], into: Path, *, work: Path, environment: Mapping[str, str]
) -> None:
    """Fetches these packages and unpacks them into a folder; `work` is an empty one for that.

    Nothing is unpacked unless all are there. Raises PackageMissing.
    """
    search_path = environment.get("PATH", os.defpath)
    if not all(shutil.which(tool, path=search_path) for tool in ("apt-get", "dpkg-deb")):
        raise PackageMissing("it is not on PATH and this system has no apt-get")
    for command in _commands(packages, work):
        _run(command, work, environment)
    for package in sorted(work.glob("*.deb")):
        _run(["dpkg-deb", "-x", package.name, str(into)], work, environment)


def _commands(packages: Sequence[str], work: Path) -> list[list[str]]:
    configuration = work / "apt.conf"
    configuration.write_text(APT_CONFIGURATION, encoding="utf-8")
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    options = {
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        # As root, apt would hand the download to a user who may not enter our folder, and warn.
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": 2,
        "Acquire::http::Timeout": 20,
        "Acquire::https::Timeout": 20,
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::IndexTargets::deb::CNF::DefaultEnabled": "false",
    }
    apt = ["apt-get", "-qq", "-c", str(configuration)]
    apt += [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    return [[*apt, "update"], [*apt, "download", *packages]]


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    try:
        subprocess.run(
            command,
            check=True,
            cwd=folder,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_TIMEOUT_SECONDS,
        )
    except subprocess.CalledProcessError as problem:
        last = (problem.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise PackageMissing(f"{command[0]} could not fetch it ({last})") from problem
    except subprocess.TimeoutExpired as problem:
        raise PackageMissing(
            f"{command[0]} did not end within {FETCH_TIMEOUT_SECONDS} s"
        ) from problem
