"""Where the programs of Prometheus are on this machine, fetching Debian's packages where needed.

    python -m pulseguard_stack.programs promtool      writes the path of the program

Nothing is installed and no service is started: the packages are unpacked into the user's cache
folder, which needs neither root nor a running daemon.
"""

import fcntl
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pulseguard_stack.errors import ProgramMissing
from pulseguard_stack.relocation import relocated_alertmanager

log = logging.getLogger(__name__)

ProgramName = Literal["prometheus", "promtool", "alertmanager"]

PACKAGES = ("prometheus", "prometheus-alertmanager")
NAMES_ON_PATH: Mapping[ProgramName, Sequence[str]] = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    # Debian's package calls it by its own name.
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
}
FETCH_TIMEOUT_SECONDS = 300
# The hooks of a desktop or a container image speak of the system's lists, not of ours, and
# only a configuration file can clear them: apt's -o can add to a list, never empty it.
APT_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


@dataclass(frozen=True)
class Cache:
    """The folder that holds the unpacked packages of one system: name, release, processor."""

    root: Path
    system: str

    @property
    def packages(self) -> Path:
        return self.root / self.system

    def program(self, name: ProgramName) -> Path | None:
        """The unpacked program, or None where it was not unpacked yet."""
        return _first_executable(NAMES_ON_PATH[name], str(self.packages / "usr" / "bin"))


def find_program(name: ProgramName, *, environment: Mapping[str, str] = os.environ) -> Path:
    """Answers where the program is: on PATH, else unpacked from the system's packages.

    The first call on a machine without it takes the seconds of a download; two at once share it.
    Raises ProgramMissing, with one sentence that says what to install.
    """
    on_path = _first_executable(NAMES_ON_PATH[name], environment.get("PATH", os.defpath))
    if on_path:
        return on_path
    cache = user_cache(environment)
    unpacked = cache.program(name) or _fetched_program(name, cache, environment)
    return relocated_alertmanager(unpacked) if name == "alertmanager" else unpacked


def program_version(path: Path) -> tuple[int, int, int]:
    """Answers the version that a program of Prometheus says it has, as (major, minor, patch)."""
    said = subprocess.run(
        [path, "--version"], check=True, capture_output=True, text=True, timeout=30
    )
    # Before 2.44 the version went to standard error.
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", said.stdout + said.stderr)
    if not found:
        raise ProgramMissing(f"{path} does not say its version: is it a program of Prometheus?")
    major, minor, patch = (int(part) for part in found.groups())
    return major, minor, patch


def user_cache(environment: Mapping[str, str]) -> Cache:
    """Answers the user's cache; the system is in its path, since a home may serve several."""
    named = environment.get("XDG_CACHE_HOME", "")
    home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    # A relative XDG_CACHE_HOME is to be ignored (XDG Base Directory Specification 0.8).
    base = Path(named) if Path(named).is_absolute() else home / ".cache"
    return Cache(base / "pulseguard" / "programs", _system_name())


def _system_name() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return "-".join(
        [release.get("ID", "linux"), release.get("VERSION_ID", "0"), os.uname().machine]
    )


def _first_executable(names: Sequence[str], search_path: str) -> Path | None:
    found = (shutil.which(name, path=search_path) for name in names)
    return next((Path(path).absolute() for path in found if path), None)


def _fetched_program(name: ProgramName, cache: Cache, environment: Mapping[str, str]) -> Path:
    try:
        cache.root.mkdir(parents=True, exist_ok=True)
        with _locked(cache.root / "lock"):
            if not cache.program(name):
                _fetch_packages(name, cache, environment)
    except OSError as problem:
        raise ProgramMissing(_mend(name, f"{cache.root} cannot be written: {problem}")) from problem
    program = cache.program(name)
    if not program:
        raise ProgramMissing(_mend(name, "the system's package does not hold it"))
    return program


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_packages(name: ProgramName, cache: Cache, environment: Mapping[str, str]) -> None:
    search_path = environment.get("PATH", os.defpath)
    if not all(_first_executable([tool], search_path) for tool in ("apt-get", "dpkg-deb")):
        raise ProgramMissing(_mend(name, "it is not on PATH and this system has no apt-get"))
    log.info("fetching %s into %s", " and ".join(PACKAGES), cache.root)
    # The lock is ours, so a folder still here is of a fetch that was killed.
    for left in cache.root.glob("fetch-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache.root) as folder:
        work = Path(folder)
        for command in _commands(work):
            _run(command, name, work, environment)
        for package in sorted(work.glob("*.deb")):
            _run(["dpkg-deb", "-x", package.name, "unpacked"], name, work, environment)
        shutil.rmtree(cache.packages, ignore_errors=True)
        (work / "unpacked").rename(cache.packages)


def _commands(work: Path) -> list[list[str]]:
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
    return [[*apt, "update"], [*apt, "download", *PACKAGES]]


def _run(
    command: Sequence[str], name: ProgramName, folder: Path, environment: Mapping[str, str]
) -> None:
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
        raise ProgramMissing(_mend(name, f"{command[0]} could not fetch it ({last})")) from problem
    except subprocess.TimeoutExpired as problem:
        cause = f"{command[0]} did not end within {FETCH_TIMEOUT_SECONDS} s"
        raise ProgramMissing(_mend(name, cause)) from problem


def _mend(name: ProgramName, cause: str) -> str:
    project = "Alertmanager" if name == "alertmanager" else "Prometheus"
    return (
        f"{name} is missing: {cause}; install {project} (https://prometheus.io/download) "
        "and put its programs on PATH."
    )


def main(arguments: Sequence[str]) -> int:
    """Writes the path of the program named by the only argument."""
    wanted = [name for name in get_args(ProgramName) if list(arguments) == [name]]
    if not wanted:
        sys.stderr.write(f"usage: python -m {__spec__.name} {{{','.join(NAMES_ON_PATH)}}}\n")
        return 2
    try:
        sys.stdout.write(f"{find_program(wanted[0])}\n")
    except ProgramMissing as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
