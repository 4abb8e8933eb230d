"""A registry as its users run it: a process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving_process(folder: Path, **variables: str) -> Iterator[int]:
    """The port on which it is ready; its keys and what else it keeps are in the folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pulseguard_registry.command", "serve", "--port", "0"],
        env=os.environ | {"PULSEGUARD_DATA_DIR": str(folder)} | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _port(process)
    finally:
        process.terminate()
        # Read to its end, else a registry that says much would wait for a reader.
        process.communicate()


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stderr
    port = 0
    for line in process.stderr:
        if "listening on" in line:
            port = int(line.rpartition(":")[2])
        if "ready:" in line:
            return port
    raise RuntimeError("the registry has ended")
