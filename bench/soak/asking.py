"""One client that asks a registry by the operations of its API, and notes how long each took."""

import json
import time
from array import array
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

SERVED = range(200, 300)
ANSWER_SECONDS = 20.0
LONGEST_REASON = 160


class NotServed(Exception):
    """An answer that does not hold, or none."""


@dataclass
class Answers:
    """When the answers to one operation came (monotonic), and after how many seconds."""

    at: "array[float]" = field(default_factory=lambda: array("d"))
    seconds: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, at: float, seconds: float) -> None:
        """One more."""
        self.at.append(at)
        self.seconds.append(seconds)


class Asker:
    """Asks one thing after the other, at most `rate` a second; the connection stays open."""

    def __init__(self, url: str, key: str, rate: float) -> None:
        self.answers: dict[str, Answers] = defaultdict(Answers)
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)
        self._key = key
        self._pause = 1 / rate
        self._due = 0.0

    def ask(
        self,
        operation: str,
        body: object = None,
        *,
        named: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What is answered, from JSON; `named` fills the names in the path of the operation."""
        self._wait()
        method, _, template = operation.partition(" ")
        where = template.format(**{name: quote(value, "") for name, value in (named or {}).items()})
        sent = None if body is None else json.dumps(body).encode()
        said = {"Authorization": f"Bearer {self._key}", **(headers or {})}
        if sent is not None:
            said["Content-Type"] = "application/json"
        began = time.monotonic()
        try:
            self._connection.request(method, f"{where}?{urlencode(query or {})}", sent, said)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise NotServed(f"{operation}: {type(error).__name__}: {error}") from error
        ended = time.monotonic()
        if answer.status not in SERVED:
            raise NotServed(f"{operation}: {answer.status}: {content.decode()[:LONGEST_REASON]}")
        self.answers[operation].add(ended, ended - began)
        is_json = "json" in answer.headers.get("Content-Type", "")
        return json.loads(content) if content and is_json else content.decode()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _wait(self) -> None:
        """Until the next one is due: what was late is not made up for."""
        now = time.monotonic()
        if now < self._due:
            time.sleep(self._due - now)
        self._due = max(self._due, now) + self._pause
