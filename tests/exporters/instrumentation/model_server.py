"""A simulated model server for the tests of instrumentation, and what its ledger says."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pulseguard_stack.model_server.ledger import Entry, entry_from_json
from tests.forked_program import forks_of


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
    forks = forks_of("pulseguard_stack.model_server.command")
    process = forks.start("--port", "0", *arguments, environment=os.environ)
    try:
        found = re.search(r"(http://\S+)/v1", process.first_line())
        assert found, process.errors.read_text()
        yield ModelServer(found[1])
    finally:
        process.terminate()
        process.wait()
