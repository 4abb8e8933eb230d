"""What a Python program finds at its start under `pulseguard run`: what it would find without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.exporters.running.conftest import Runner


def test_the_users_sitecustomize_runs_and_pythonpath_is_kept(
    runner: Runner, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys\nsys.the_users = __name__\n")
    (own / "neighbour.py").write_text("")
    runner.variables = {"PYTHONPATH": str(own)}
    show = (
        "import sys, neighbour, sitecustomize, os\n"
        "print(sys.the_users, sitecustomize.__file__, sys.path[1],"
        " os.environ['PYTHONPATH'].partition(':')[2], sep='\\n')"
    )

    ran = runner.run("--", sys.executable, "-c", show)

    assert ran.stdout.split() == [
        "sitecustomize",
        str(own / "sitecustomize.py"),
        str(own),
        str(own),
    ]


def test_a_sitecustomize_that_fails_is_reported_as_ever(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise RuntimeError('mine')")
    runner.variables = {"PYTHONPATH": str(tmp_path)}
    program = (sys.executable, "-c", "print('on')")
    plain = subprocess.run(
        program, env=runner.environment, capture_output=True, text=True, check=True
    )

    ran = runner.run("--", *program)

    # Twice: the first is of PulseGuard's own Python.
    assert (ran.stdout, ran.stderr) == (plain.stdout, plain.stderr * 2)
    assert "mine" in plain.stderr


def test_without_a_pythonpath_the_current_folder_does_not_come_in(
    runner: Runner, tmp_path: Path
) -> None:
    show = "import sys, json; print(json.dumps(sys.path))"
    program = (sys.executable, "-c", show)
    plain = subprocess.run(
        program, env=runner.environment, capture_output=True, text=True, check=True
    )

    ran = runner.run("--", *program)

    assert json.loads(ran.stdout) == json.loads(plain.stdout)
