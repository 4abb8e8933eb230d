"""A host that has a clone of the repository, make, and a Python with nothing installed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from pulseguard_stack.deployment.mounted import MOUNTED
from tests.test_architecture import ROOT, tracked_files

# Neither the packages of an environment nor those of the user.
BARE_PYTHON = (sys.executable, "-S", "-s")
CODE = ("Makefile", "registry", "prometheus/pulseguard_prometheus", "stack")
PATH = "registry:prometheus:stack"
ORDINARY_USER = 65534
# All is imported before, for that user may not read this Python.
AS_ORDINARY_USER = f"""
import contextlib, io, os, sys
from pulseguard_stack.deployment.command import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["urls"], {{}})
os.setgroups([]); os.setgid({ORDINARY_USER}); os.setuid({ORDINARY_USER})
sys.exit(main(sys.argv[1:], {{}}))
"""
FILES = {
    "postgres/postgres.password",
    "registry/database.url",
    "registry/pepper",
    "registry/admin.key",
    "registry/prometheus.key",
    "registry/agents.key",
    "registry/demo.key",
    "prometheus/prometheus.key",
    "demo-agents/demo.key",
    "grafana/admin.password",
    "grafana/secret.key",
}
KEYS = {path for path in FILES if path.startswith("registry/") and path.endswith(".key")}
COPIES = {
    "prometheus/prometheus.key": "registry/prometheus.key",
    "demo-agents/demo.key": "registry/demo.key",
}


def cloned_secrets() -> list[Path]:
    """What git has, or would take, below secrets/."""
    return [file for file in tracked_files() if file.is_relative_to(ROOT / "secrets")]


def cloned_mounts() -> list[Path]:
    """What git has, or would take, of the rest that docker-compose.yml mounts."""
    mounted = {ROOT / name for name in MOUNTED}
    return [file for file in tracked_files() if mounted & {file, *file.parents}]


def give_away(*paths: Path) -> None:
    """Have them be another user's, as only root may."""
    for path in paths:
        os.chown(path, ORDINARY_USER, ORDINARY_USER)


class Host:
    """The clone in this folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"

    def clone(self) -> None:
        """Have there what a clone has."""
        self.folder.mkdir(exist_ok=True)
        for name in CODE:
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).symlink_to(ROOT / name)
        for file in (*cloned_secrets(), *cloned_mounts()):
            here = self.folder / file.relative_to(ROOT)
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, here)

    def start(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        stdout: int = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start a program there, whose umask is a careful user's."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **(environment or {})},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            umask=0o077,
        )

    def start_make(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start make there."""
        python = f"PYTHON={self._bare_python()}"
        return self.start("make", *arguments, python, environment=environment)

    def start_python(
        self, *arguments: str, stdout: int = subprocess.PIPE, **environment: str
    ) -> subprocess.Popen[str]:
        """Start what make runs, without make."""
        return self.start(
            *BARE_PYTHON,
            "-B",
            *arguments,
            environment={"PYTHONPATH": PATH, **environment},
            stdout=stdout,
        )

    def _bare_python(self) -> Path:
        """It as one program, whose path is any."""
        program = self.folder.with_name("a bare python")
        if not program.exists():
            beside = program.with_name(f"{program.name}.{uuid.uuid4()}")
            beside.write_text(f'#!/bin/sh\nexec {shlex.join(BARE_PYTHON)} "$@"\n')
            beside.chmod(0o755)
            beside.replace(program)
        return program

    def start_as_ordinary_user(self, verb: str) -> subprocess.Popen[str]:
        """Start the same as another user, where this one is root."""
        for parent in (self.folder, *self.folder.parents):
            if "pytest" in str(parent):
                parent.chmod(parent.stat().st_mode | 0o011)
        return self.start(
            sys.executable, "-B", "-c", AS_ORDINARY_USER, verb, environment={"PYTHONPATH": PATH}
        )

    def make(self, *arguments: str, **environment: str) -> str:
        """What make says when all goes well."""
        process = self.start_make(*arguments, **environment)
        said, errors = process.communicate(timeout=60)
        assert process.returncode == 0, said + errors
        assert errors == ""
        return said

    def refusal(self, *arguments: str, **environment: str) -> list[str]:
        """The lines that make's program says when it refuses."""
        process = self.start_make(*arguments, **environment)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2, errors
        *lines, last = errors.splitlines()
        assert last.startswith("make: *** ")
        return lines

    def held(self) -> dict[str, str]:
        """Every file below secrets/ but git's and the lock, and its text."""
        files = (path for path in self.secrets.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.secrets)): path.read_text()
            for path in files
            if not path.name.startswith(".git") and path.name != ".lock"
        }

    def write(self, path: str, text: str) -> None:
        """Have this in a file, as an operator writes it there."""
        file = self.secrets / path
        file.unlink(missing_ok=True)
        file.write_text(text)

    def check_whole(self) -> dict[str, str]:
        """Every secret is there, and they fit one another; answers their texts."""
        held = self.held()
        assert set(held) == FILES
        assert {path: held[path] for path in COPIES} == {
            path: held[source] for path, source in COPIES.items()
        }
        password = held["postgres/postgres.password"].strip()
        assert f":{password}@postgres:5432/" in held["registry/database.url"]
        return held
