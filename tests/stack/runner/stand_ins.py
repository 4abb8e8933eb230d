"""Where the stand-ins for Grafana and Docker are put, and a PATH that has no others."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
GRAFANA_AND_DOCKER = {"grafana", "grafana-server", "docker"}


def put_grafana(home: Path) -> Path:
    """A stand-in for Grafana as its archive is unpacked; answers the folder of the program."""
    make_home(home)
    return put_program(home / "bin" / "grafana", "grafana_stand_in.py").parent


def put_docker(folder: Path) -> Path:
    """A stand-in for Docker; answers the folder of the program, which holds `state` too."""
    state = folder / "state"
    state.mkdir(parents=True)
    make_home(state / "home")
    return put_program(folder / "docker", "docker_stand_in.py", str(state)).parent


def put_script(path: Path, text: str) -> Path:
    """A program that is a script of the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def put_program(path: Path, script: str, *arguments: str) -> Path:
    command = shlex.join([sys.executable, str(HERE / script), *arguments])
    return put_script(path, f'exec {command} "$@"')


def make_home(home: Path) -> None:
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "defaults.ini").touch()


def path_with(folders: Sequence[Path], spare: Path) -> str:
    """PATH with these folders, and without any Grafana or Docker of this machine.

    `spare` is made, and holds links to what lies beside those.
    """
    there = [Path(name) for name in os.environ["PATH"].split(os.pathsep) if name]
    kept = [_without(each, spare / str(number)) for number, each in enumerate(there)]
    return os.pathsep.join(map(str, [*folders, *kept]))


def _without(folder: Path, spare: Path) -> Path:
    if not any((folder / name).exists() for name in GRAFANA_AND_DOCKER):
        return folder
    spare.mkdir(parents=True)
    for program in folder.iterdir():
        if program.name not in GRAFANA_AND_DOCKER:
            (spare / program.name).symlink_to(program)
    return spare
