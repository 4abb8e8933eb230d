"""The settings of a demo agent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from urllib.parse import urlsplit

from pulseguard_stack.demo.errors import BadSetting

DEFAULT_URL = "http://127.0.0.1:8089"
LARGEST_BURST = 10_000


@dataclass(frozen=True)
class Settings:
    """One agent's settings; `pace` is a factor on every pause, 0 leaves them out."""

    model_server_url: str = DEFAULT_URL
    pace: float = 1.0
    burst: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.pace >= 0 and math.isfinite(self.pace)):
            raise BadSetting(f"pace is {self.pace}: it must be a number, 0 or more")
        if not 1 <= self.burst <= LARGEST_BURST:
            raise BadSetting(f"burst is {self.burst}: it must be 1 to {LARGEST_BURST}")
        if not _is_http(self.model_server_url):
            raise BadSetting(
                f"model server URL is {self.model_server_url!r}: it must be http://host:port"
            )

    @property
    def base_url(self) -> str:
        """Where the client finds the API; the URL may be given with /v1 or without."""
        return f"{self.model_server_url.rstrip('/').removesuffix('/v1')}/v1"


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
