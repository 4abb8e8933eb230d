"""`pulseguard doctor`, and what it said."""

from __future__ import annotations

import json
import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any
from unittest import mock

from pulseguard.command import main


class Verdict:
    """What the doctor said."""

    def __init__(self, status: int, output: str, complaint: str) -> None:
        self.status = status
        self.output = output
        self.complaint = complaint

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
    """Run it in an environment of its own, within this process: its start takes longer than all
    that it does, and is tested once (test_command)."""
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    said, complained = StringIO(), StringIO()
    with (
        mock.patch.dict(os.environ, variables, clear=True),
        redirect_stdout(said),
        redirect_stderr(complained),
    ):
        status = main(["doctor", *arguments])
    return Verdict(status, said.getvalue(), complained.getvalue())
