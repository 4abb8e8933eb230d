"""Asks a running Alertmanager to take its configuration, and what it has taken."""

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from typing import Final

from pulseguard_prometheus.errors import NotificationTrouble

ANSWER_TIMEOUT_SECONDS: Final = 5.0
_LIMIT_BYTES: Final = 4 * 1024 * 1024
_HASH: Final = re.compile(r"^alertmanager_config_hash (\S+)$", re.MULTILINE)
_MEND: Final = "check that it runs and that PULSEGUARD_ALERTMANAGER_URL names it"


class ReloadRefused(NotificationTrouble):
    """It was asked to take its configuration, and keeps the one that it has."""


def reload(url: str) -> None:
    """Raises ReloadRefused where it says no, NotificationTrouble where it does not answer."""
    try:
        _exchange(urllib.request.Request(f"{url}/-/reload", method="POST"))
    except urllib.error.HTTPError as problem:
        raise ReloadRefused(
            f"Alertmanager does not take its configuration ({problem.code}: {_said(problem)})",
            "its log says more",
        ) from problem


def loaded_hash(url: str) -> float:
    """Answers the hash of what it runs with, secrets included, which its API would hide.

    Raises NotificationTrouble where it does not tell.
    """
    try:
        metrics = _exchange(urllib.request.Request(f"{url}/metrics"))
    except urllib.error.HTTPError as problem:
        problem.close()
        raise NotificationTrouble(f"Alertmanager answers {problem.code}", _MEND) from problem
    found = _HASH.search(metrics.decode("utf-8", errors="replace"))
    try:
        return float(found[1] if found else "none")
    except ValueError:
        raise NotificationTrouble("what answers is no Alertmanager", _MEND) from None


def hash_of(configuration: bytes) -> float:
    """Answers the hash that Alertmanager makes of its file: 48 bits of MD5."""
    digest = hashlib.md5(configuration, usedforsecurity=False).digest()
    return float(int.from_bytes(digest[:6], "little"))


def _said(refusal: urllib.error.HTTPError) -> str:
    """Its reason, on one line; a refusal whose reason breaks off is one all the same."""
    try:
        with refusal:
            text: bytes = refusal.read(1000)
    except (OSError, http.client.HTTPException, ValueError):
        return "without a reason"
    return " ".join(text.decode("utf-8", errors="replace").split())


def _exchange(request: urllib.request.Request) -> bytes:
    """Raises HTTPError as it is, and what keeps it from answering as NotificationTrouble."""
    # Not through a proxy, as nothing that sync asks.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_TIMEOUT_SECONDS) as answer:
            body: bytes = answer.read(_LIMIT_BYTES)
            return body
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise NotificationTrouble("Alertmanager does not answer", _MEND) from problem
