"""A simulated model server for the tests of instrumentation, and what its ledger says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pulseguard_stack.model_server.ledger import Entry, entry_from_json

_COMMAND = "pulseguard_stack.model_server.command"
_RUN = f"import sys; from {_COMMAND} import main; sys.exit(main(sys.argv[1:]))"


@dataclass(frozen=True)
class ModelServer:
    """A running one."""

    url: str

    def entries(self) -> list[Entry]:
        """The whole ledger, once no attempt is under way."""
        deadline = time.monotonic() + 10
        while (page := self._ledger())["open"]:
            assert time.monotonic() < deadline, "attempts stay open"
            time.sleep(0.01)
        return [entry_from_json(row) for row in page["entries"]]

    def is_asked(self) -> bool:
        """Whether an attempt is under way."""
        return bool(self._ledger()["open"])

    def _ledger(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/ledger?limit=10000", timeout=5) as answer:
            page: dict[str, Any] = json.load(answer)
            return page


@contextmanager
def model_server(*arguments: str) -> Iterator[ModelServer]:
    """Runs one with these arguments on a free port."""
    command = [sys.executable, "-c", _RUN, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r"(http://\S+)/v1", process.stdout.readline())
            assert found, "it did not start"
            yield ModelServer(found[1])
        finally:
            process.terminate()
