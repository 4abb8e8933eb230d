"""`pulseguard doctor`, run as a user runs it, and what it said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


class Verdict:
    """What the doctor said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status = done.returncode
        self.output = done.stdout
        self.complaint = done.stderr

    def broken_link(self) -> tuple[str, str, str]:
        """Name, finding and mend of the one broken link; what comes after it was not checked."""
        assert self.status == 1, self.complaint
        document: dict[str, Any] = json.loads(self.output)
        states = [link["state"] for link in document["links"]]
        place = states.index("broken")
        assert document["holds"] is False
        assert "broken" not in states[:place]
        assert set(states[place + 1 :]) <= {"not checked"}
        link = document["links"][place]
        assert link["name"] == document["broken"]
        assert link["mend"]
        return link["name"], link["said"], link["mend"]


def doctor(*arguments: str, **environment: str) -> Verdict:
    """Run it in an environment of its own."""
    command = [sys.executable, "-m", "pulseguard.doctor.command", *arguments]
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=30, check=False
    )
    return Verdict(done)
