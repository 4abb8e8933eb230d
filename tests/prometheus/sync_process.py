"""`pulseguard sync` as a process, with its log and the folder of its targets file."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

COMMAND = "import sys; from pulseguard_prometheus.command import main; sys.exit(main(sys.argv[1:]))"


class SyncProcess:
    """A running sync, its log, and the folder of its targets file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "targets" / "agents.json"
        self.log = folder / "sync.log"
        self.key_file = folder / "prometheus.key"
        self.settings: dict[str, str] = {}
        # What Python runs.
        self.program: Sequence[str] = ("-c", COMMAND)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, registry_url: str, *arguments: str, **variables: str) -> None:
        settings = {
            "PULSEGUARD_REGISTRY_URL": registry_url,
            "PULSEGUARD_TARGETS_FILE": str(self.file),
            "PULSEGUARD_SYNC_INTERVAL_SECONDS": "0.05",
        }
        command = [sys.executable, *self.program, *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=os.environ | settings | self.settings | variables, stderr=log
            )

    def end(self, number: int = signal.SIGTERM, seconds: float = 2) -> int:
        """Sends the signal and answers the exit status."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Ends the process where it still runs."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def targets(self) -> object:
        """What the file holds, None where there is none."""
        return json.loads(self.file.read_bytes()) if self.file.exists() else None

    def said(self) -> list[str]:
        """The log's lines without their time."""
        return [line.split(" sync: ")[-1] for line in self.log.read_text().splitlines()]
