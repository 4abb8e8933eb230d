"""A real Alertmanager for tests, asked over its API."""

import json
import urllib.request
from collections.abc import Sequence
from typing import Any

from tests.started_program import StartedProgram


class AlertmanagerServer(StartedProgram):
    """Alertmanager, with its data in the folder `data` beside its configuration."""

    name = "alertmanager"

    @property
    def arguments(self) -> Sequence[str]:
        return [
            f"--storage.path={self.folder / 'data'}",
            # One alone: else it opens a port for its peers, on all networks.
            "--cluster.listen-address=",
        ]

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = None

    # Any: alerts as the API gives them.
    def alerts(self) -> list[dict[str, Any]]:
        """Answers the alerts that it holds now."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as answer:
            return list(json.load(answer))
