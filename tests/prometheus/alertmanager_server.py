"""A real Alertmanager for tests: started in a folder, asked over its API, stopped by its handle."""

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, Self

from pulseguard_stack.programs import find_program
from tests.prometheus_server import START_TIMEOUT_SECONDS, eventually, free_port

STOP_TIMEOUT_SECONDS = 20


class AlertmanagerServer:
    """Alertmanager with its configuration, its data and its log in one folder.

    The configuration is the text of an alertmanager.yml; its relative paths start at the folder.
    """

    def __init__(self, folder: Path, configuration: str, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.log = folder / "alertmanager.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertmanager.yml").write_text(configuration, encoding="utf-8")

    def start(self) -> None:
        """Returns when Alertmanager says that it is ready; an AssertionError carries its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    find_program("alertmanager"),
                    f"--config.file={self.folder / 'alertmanager.yml'}",
                    f"--storage.path={self.folder / 'data'}",
                    f"--web.listen-address={self.address}",
                    # One alone: else it opens a port for its peers, on all networks.
                    "--cluster.listen-address=",
                ],
                # Not its own folder, so that nothing depends on it.
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._is_ready, timeout_seconds=START_TIMEOUT_SECONDS)
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends Alertmanager as an operator would; harmless when it is stopped."""
        if not self._process:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    # Any: alerts as the API gives them.
    def alerts(self) -> list[dict[str, Any]]:
        """Answers the alerts that it holds now."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as answer:
            return list(json.load(answer))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _is_ready(self) -> bool:
        if not self._process or self._process.poll() is not None:
            raise AssertionError(f"Alertmanager ended:\n{self.log.read_text(errors='replace')}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
