"""Asks a running Alertmanager to take its configuration, and what it has taken."""

import hashlib
import http.client
import re
from typing import Final
from urllib.parse import urlsplit

from pulseguard_prometheus.connection import KeptConnection, Response
from pulseguard_prometheus.errors import NotificationTrouble
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_prometheus.turns import Note, unwatched

ANSWER_TIMEOUT_SECONDS: Final = 5.0
_LIMIT_BYTES: Final = 4 * 1024 * 1024
_HASH: Final = re.compile(r"^alertmanager_config_hash (\S+)$", re.MULTILINE)
_MEND: Final = "check that it runs and that PULSEGUARD_ALERTMANAGER_URL names it"


class ReloadRefused(NotificationTrouble):
    """It was asked to take its configuration, and keeps the one that it has."""


class Alertmanager:
    """One Alertmanager; `note` is told how long each question may take."""

    def __init__(self, url: str, *, note: Note = unwatched) -> None:
        parts = urlsplit(url)
        path = parts.path.rstrip("/")
        address = ServerAddress(parts.scheme, parts.hostname or "", parts.port, path)
        self._connection = KeptConnection(
            address, timeout_seconds=ANSWER_TIMEOUT_SECONDS, note=note
        )

    def reload(self) -> None:
        """Raises ReloadRefused where it says no, NotificationTrouble where it does not answer."""
        response = self._answered("POST", "/-/reload")
        if response.status != 200:
            raise ReloadRefused(
                f"Alertmanager does not take its configuration ({response.status}:"
                f" {_said(response.body)})",
                "its log says more",
            )

    def loaded_hash(self) -> float:
        """Answers the hash of what it runs with, secrets included, which its API would hide.

        Raises NotificationTrouble where it does not tell.
        """
        response = self._answered("GET", "/metrics")
        if response.status != 200:
            raise NotificationTrouble(f"Alertmanager answers {response.status}", _MEND)
        found = _HASH.search(response.body.decode("utf-8", errors="replace"))
        try:
            return float(found[1] if found else "none")
        except ValueError:
            raise NotificationTrouble("what answers is no Alertmanager", _MEND) from None

    def _answered(self, method: str, path: str) -> Response:
        headers = {"User-Agent": "pulseguard-sync"}
        try:
            return self._connection.exchange(method, path, headers, limit_bytes=_LIMIT_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise NotificationTrouble("Alertmanager does not answer", _MEND) from problem
        finally:
            # Not worth to be kept for fifteen seconds.
            self._connection.close()


def hash_of(configuration: bytes) -> float:
    """Answers the hash that Alertmanager makes of its file: 48 bits of MD5."""
    digest = hashlib.md5(configuration, usedforsecurity=False).digest()
    return float(int.from_bytes(digest[:6], "little"))


def _said(body: bytes) -> str:
    """Its reason, on one line; it may have broken off."""
    return " ".join(body[:1000].decode("utf-8", errors="replace").split()) or "without a reason"
