"""What is the address of a server that is asked over HTTP."""

from urllib.parse import urlsplit


def is_web_address(text: str) -> bool:
    """Whether this is http or https with a host, and with neither a user nor a password: those
    would be shown wherever the address is."""
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_one and "@" not in text and text.isascii() and text.isprintable()
