"""Questions to the components over HTTP, on this machine only."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

TIMEOUT_SECONDS = 2.0
# A proxy that the environment names cannot reach this machine's loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Answer:
    """What came back: the status, 0 where nobody answered, and the body."""

    status: int
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def document(self) -> Any:  # Any: decoded JSON
        return json.loads(self.body)


def ask(
    url: str,
    *,
    key: str | None = None,
    body: object = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """Asks once (POST where there is a body), and never raises for want of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with _OPENER.open(request, timeout=timeout_seconds) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as problem:
        with problem:
            return Answer(problem.code, problem.read())
    except (OSError, HTTPException):
        return Answer(0)
