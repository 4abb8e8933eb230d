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
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pulseguard_stack.debian_packages import unpack_packages
from pulseguard_stack.errors import PackageMissing, ProgramMissing
from pulseguard_stack.relocation import (
    missing_page_packages,
    relocated_alertmanager,
    relocated_prometheus,
)

log = logging.getLogger(__name__)

ProgramName = Literal["prometheus", "promtool", "alertmanager", "amtool"]

PACKAGES = ("prometheus", "prometheus-alertmanager")
NAMES_ON_PATH: Mapping[ProgramName, Sequence[str]] = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    # Debian's package calls it by its own name.
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
    "amtool": ("amtool",),
}
# After a fetch of what a page can do without has failed, for instance for want of a network.
PAGE_FILES_AGAIN_SECONDS = 3600


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
    if name == "alertmanager":
        return relocated_alertmanager(unpacked)
    return _with_pages(unpacked, cache, environment) if name == "prometheus" else unpacked


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
                _fetch_programs(cache, environment)
    except OSError as problem:
        raise ProgramMissing(_mend(name, f"{cache.root} cannot be written: {problem}")) from problem
    except PackageMissing as problem:
        raise ProgramMissing(_mend(name, str(problem))) from problem
    program = cache.program(name)
    if not program:
        raise ProgramMissing(_mend(name, "the system's package does not hold it"))
    return program


def _fetch_programs(cache: Cache, environment: Mapping[str, str]) -> None:
    log.info("fetching %s into %s", " and ".join(PACKAGES), cache.root)
    with _work_folder(cache) as work:
        unpacked = work / "unpacked"
        unpack_packages(PACKAGES, unpacked, work=work, environment=environment)
        shutil.rmtree(cache.packages, ignore_errors=True)
        unpacked.rename(cache.packages)


def _with_pages(unpacked: Path, cache: Cache, environment: Mapping[str, str]) -> Path:
    """Prometheus with its pages; where they cannot be had, as it is: its API needs none."""
    try:
        _complete_pages(cache, environment)
        return relocated_prometheus(unpacked)
    except OSError as problem:
        log.warning("%s runs without its pages: %s", unpacked, problem)
        return unpacked


def _complete_pages(cache: Cache, environment: Mapping[str, str]) -> None:
    """Fetches the scripts of others to which the pages of the unpacked Prometheus link."""
    tried = cache.root / "page-files-tried"
    if not missing_page_packages(cache.packages) or _is_recent(tried):
        return
    with _locked(cache.root / "lock"), _work_folder(cache) as work:
        packages = missing_page_packages(cache.packages)
        if not packages:
            return
        tried.touch()
        try:
            unpack_packages(packages, cache.packages, work=work, environment=environment)
        except PackageMissing as problem:
            log.warning("the pages of Prometheus go without scripts: %s", problem)


def _is_recent(file: Path) -> bool:
    try:
        return abs(time.time() - file.stat().st_mtime) < PAGE_FILES_AGAIN_SECONDS
    except OSError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _work_folder(cache: Cache) -> Iterator[Path]:
    # The lock is ours, so a folder still here is of a fetch that was killed.
    for left in cache.root.glob("fetch-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache.root) as folder:
        yield Path(folder)


def _mend(name: ProgramName, cause: str) -> str:
    project = "Alertmanager" if name in ("alertmanager", "amtool") else "Prometheus"
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
