"""The registry's database URL, and the password that is in it."""

from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

# The service of docker-compose.yml. A URL of any other server is the operator's own.
HOST: Final = "postgres"


def new_url(password: str) -> str:
    """The URL of the deployment's PostgreSQL."""
    return f"postgresql://pulseguard:{_quoted(password)}@{HOST}:5432/pulseguard"


def with_password(url: str, password: str) -> str:
    """The URL with this password; as it is where it has it, or names another server."""
    if password_in(url) in (None, password):
        return url
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    user = f"{parts.username or 'pulseguard'}:{_quoted(password)}"
    return parts._replace(netloc=f"{user}@{server}").geturl()


def password_in(url: str) -> str | None:
    """The password that it has for the deployment's PostgreSQL; None for another server."""
    parts = _split(url)
    if parts is None or parts.hostname != HOST:
        return None
    return unquote(parts.password or "")


def is_url(text: str) -> bool:
    """Whether it is the URL of a PostgreSQL at all."""
    return _split(text) is not None


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return parts if parts.scheme.startswith("postgres") else None


def _quoted(password: str) -> str:
    return quote(password, safe="")
