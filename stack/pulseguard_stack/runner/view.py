"""The live view that a stack in the foreground shows: `pulseguard status --watch`, a process."""

import os
import subprocess
from pathlib import Path

from pulseguard_stack.runner import plan
from pulseguard_stack.runner.processes import MARK

STOP_SECONDS = 1.5


def start_view(data_dir: Path, stack: Path) -> subprocess.Popen[bytes]:
    """Starts it in our session: its Ctrl-C comes from the same terminal, and ends both of us."""
    environment = {"PULSEGUARD_DATA_DIR": str(data_dir), MARK: str(stack)}
    return subprocess.Popen(plan.command("status", "--watch"), env={**os.environ, **environment})


def end_view(view: subprocess.Popen[bytes]) -> None:
    """Returns when it has ended."""
    # A Ctrl-C has reached it as well: a second signal would keep it from restoring the terminal.
    if _has_ended(view):
        return
    view.terminate()
    if not _has_ended(view):
        view.kill()
        view.wait()


def _has_ended(view: subprocess.Popen[bytes]) -> bool:
    try:
        view.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True
