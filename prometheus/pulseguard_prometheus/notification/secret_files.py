"""Files that hold one secret each: read, and found fit before Alertmanager has to use them."""

from pathlib import Path
from typing import Final

from pulseguard.web_address import is_web_address
from pulseguard_prometheus.errors import NotificationTrouble

_LIMIT_BYTES: Final = 4096


def read_secret(setting: str, path: Path, what: str) -> str:
    """Answers the one line of the file; NotificationTrouble never carries it."""
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT_BYTES + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        # Not the decoder's own words: they quote what was read.
        cause = getattr(problem, "strerror", None) or "not text"
        raise NotificationTrouble(
            f"{setting}: {path} cannot be read ({cause})",
            f"put {what} there, readable by this user",
        ) from problem
    if not text or len(text) > _LIMIT_BYTES or not text.isprintable() or " " in text:
        raise NotificationTrouble(
            f"{setting}: {path} holds nothing of use", f"it should have one line: {what}"
        )
    return text


def read_secret_url(setting: str, path: Path, what: str) -> str:
    """The same for an address, which is a secret as a whole."""
    text = read_secret(setting, path, what)
    # Braces: Alertmanager may take them for a template. A user in it: for the whole to be shown.
    if not is_web_address(text) or "{" in text:
        raise NotificationTrouble(
            f"{setting}: {path} holds no address",
            f"it should have one line: {what}, such as https://example.org/…",
        )
    return text
