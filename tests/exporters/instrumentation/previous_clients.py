"""The previous major versions of the client libraries, beside those of the environment."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_WANTED = ("openai>=2,<3", "anthropic>=1,<2")


def previous_clients() -> Path:
    """A folder with them, for PYTHONPATH; installed on first use, and kept in the user's cache.

    Without what they depend on: that is the environment's, and the same for both majors.
    """
    cache = _user_cache() / "pulseguard" / "tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder, done = cache / "previous-clients", cache / "previous-clients.txt"
    with (cache / "previous-clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != "\n".join(_WANTED):
            shutil.rmtree(folder, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            command = [*pip, "--target", str(folder), *_WANTED]
            installed = subprocess.run(
                command, capture_output=True, text=True, timeout=300, check=False
            )
            if installed.returncode:
                pytest.fail(f"the previous clients cannot be installed: {installed.stderr}")
            done.write_text("\n".join(_WANTED))
    return folder


def _user_cache() -> Path:
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"
