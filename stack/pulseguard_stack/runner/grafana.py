"""Which Grafana there is on this machine: an installed one, else the image where Docker answers."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulseguard_stack.errors import GrafanaMissing, ImageMissing
from pulseguard_stack.runner.container import docker_fault, has_image, pull_image

# The only place where it is pinned: at least 13.2.2, whose bundled data sources load.
IMAGE = "grafana/grafana:13.2.2"
# `grafana-server` is what it was called before 10, and still is in some packages.
NAMES_ON_PATH = ("grafana", "grafana-server")
PACKAGE_HOMES = (Path("/usr/share/grafana"),)
# What Docker says where it runs nothing, and the few words that it comes to.
DOCKER_FAULTS = {
    "Cannot connect to the Docker daemon": "the Docker daemon does not run",
    "permission denied": "Docker refuses this user",
    "rootless": "Docker is rootless",
    "does not answer": "Docker does not answer",
}


@dataclass(frozen=True)
class InstalledGrafana:
    """A program with its home folder, and the settings of the user's that are for another one."""

    program: Path
    home: Path
    foreign_settings: Sequence[str] = ()


@dataclass(frozen=True)
class GrafanaImage:
    """The pinned image, and the user (uid:gid) as whom it is run."""

    docker: Path
    user: str


Grafana = InstalledGrafana | GrafanaImage


def find_grafana(
    environment: Mapping[str, str],
    *,
    say: Callable[[str], None],
    package_homes: Sequence[Path] = PACKAGE_HOMES,
) -> Grafana:
    """Answers the Grafana that is to be run, its image fetched where that is needed.

    `say` is told what takes long and what cannot be used. Raises GrafanaMissing.
    """
    search_path = environment.get("PATH", os.defpath)
    for found in filter(None, (shutil.which(name, path=search_path) for name in NAMES_ON_PATH)):
        program = Path(found).absolute()
        home = _home(program, environment, package_homes)
        if home:
            settings = tuple(name for name in environment if name.startswith("GF_"))
            return InstalledGrafana(program, home, settings)
        say(
            f"{program} cannot be used: no home folder of it with conf/defaults.ini;"
            " GF_PATHS_HOME can name it"
        )
    return _image(shutil.which("docker", path=search_path), say)


def _home(program: Path, environment: Mapping[str, str], others: Sequence[Path]) -> Path | None:
    """An archive has its programs in the home's bin, Homebrew beside its share."""
    named = environment.get("GF_PATHS_HOME")
    prefix = program.resolve().parent.parent
    homes = [*([Path(named)] if named else []), prefix, prefix / "share" / "grafana", *others]
    return next((home for home in homes if (home / "conf" / "defaults.ini").is_file()), None)


def _image(found: str | None, say: Callable[[str], None]) -> GrafanaImage:
    if found is None:
        raise GrafanaMissing("neither it nor Docker is on PATH")
    docker = Path(found).absolute()
    if fault := docker_fault(docker):
        raise GrafanaMissing(f"none on PATH, and {_few_words(fault)}", fault)
    if not has_image(docker, IMAGE):
        say(f"fetching {IMAGE}; this happens once, and takes minutes on a slow line")
        try:
            pull_image(docker, IMAGE)
        except ImageMissing as problem:
            reason = "none on PATH, and its image could not be pulled"
            raise GrafanaMissing(reason, str(problem)) from None
    return GrafanaImage(docker, f"{os.getuid()}:{os.getgid()}")


def _few_words(fault: str) -> str:
    known = (said for words, said in DOCKER_FAULTS.items() if words in fault)
    return next(known, "Docker cannot run it")
