"""Which registry a command speaks to, with which key, and what it answers."""

from __future__ import annotations

import argparse
import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pulseguard.doctor.web import Answer, NoAnswer, ask
from pulseguard.settings_file import settings_file
from pulseguard.web_address import is_web_address
from pulseguard_registry.data_dir import default_data_dir
from pulseguard_registry.errors import ConfigurationError, RegistryError
from pulseguard_registry.secrets_folder import ADMIN_KEY_FILE, read_key

_SECONDS: Final = 10.0
_PAGE: Final = 500
# What `make up` leaves in its data folder while it runs.
_RUN_FILE: Final = Path("stack") / "run.json"
# Of the key: there is none that is known here, or it may not do this.
_NO_ACCESS: Final = (401, 403)
_DOES_NOT_HOLD: Final = 422
# From here on it may be a proxy that speaks, or a server that has too much to do.
_FAILED: Final = 500
_PROBLEM: Final = "urn:pulseguard:problem:"
# Any in this module: JSON, as the registry's API documents it.
Document = dict[str, Any]


class CommandRefused(RegistryError):
    """What was asked cannot be done; one line that says why and what to do."""


class RequestRefused(CommandRefused):
    """What was sent does not hold; something else may."""


@dataclass(frozen=True)
class Registry:
    """A registry and the key that is sent to it, and to no other.

    `origin` is where its address came from and `key_origin` where the key did, in words.
    """

    url: str
    key: str = field(repr=False)
    origin: str
    key_origin: str

    def get(self, path: str, **query: str) -> Document:
        """The answer to a GET."""
        return self._object(self._ask("GET", path, query=query))

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        seconds: float = _SECONDS,
    ) -> Document:
        """The answer to a POST, PUT or DELETE, after at most `seconds`; empty where it has no
        body."""
        answer = self._ask(method, path, body=body, query=query, seconds=seconds)
        return self._object(answer) if answer.content else {}

    def pages(self, path: str, **query: str) -> Iterator[Document]:
        """Every item of a list, page by page; `limit` of them a page."""
        query.setdefault("limit", str(_PAGE))
        while True:
            page = self.get(path, **query)
            if not isinstance(page.get("items"), list):
                raise self._no_registry("a list without items")
            yield from page["items"]
            if (cursor := page.get("next_cursor")) is None:
                return
            query["cursor"] = str(cursor)

    def _ask(self, method: str, path: str, **asked: Any) -> Answer:
        asked.setdefault("seconds", _SECONDS)
        try:
            answer = ask(f"{self.url}/api/v1{path}", key=self.key, method=method, **asked)
        except NoAnswer as error:
            raise CommandRefused(
                f"the registry at {self.url} ({self.origin}) does not answer: {error}; it was to be"
                f" asked with {self.key_origin}; name another one with --registry-url or"
                " PULSEGUARD_REGISTRY_URL"
            ) from None
        if answer.status < _FAILED and not answer.ok and not _is_problem(answer):
            raise self._no_registry(str(answer.status))
        if answer.status in _NO_ACCESS:
            raise CommandRefused(
                f"the registry at {self.url} ({self.origin}) refuses {self.key_origin}"
                f" ({answer.status}): {_said(answer)}"
            )
        if not answer.ok:
            refused = RequestRefused if answer.status == _DOES_NOT_HOLD else CommandRefused
            raise refused(f"the registry at {self.url} refuses ({answer.status}): {_said(answer)}")
        return answer

    def _object(self, answer: Answer) -> Document:
        body = answer.json()
        if not isinstance(body, dict):
            raise self._no_registry("what is no JSON object")
        return body

    def _no_registry(self, said: str) -> CommandRefused:
        return CommandRefused(
            f"{self.url} ({self.origin}) is no PulseGuard registry: what answers there says {said};"
            " name the registry with --registry-url or PULSEGUARD_REGISTRY_URL"
        )


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags by which a verb is told whom to ask."""
    parser.add_argument("--registry-url", help="http://host:port (PULSEGUARD_REGISTRY_URL)")
    parser.add_argument(
        "--key-file", type=Path, help="a key that may do this (PULSEGUARD_KEY_FILE)"
    )


def find_registry(
    registry_url: str | None, key_file: Path | None, environment: Mapping[str, str]
) -> Registry:
    """The flags, else the environment, else what runs on this machine.

    The admin key of this machine's data folder is sent to this machine only. CommandRefused where
    there is no key, or what is given cannot be used.
    """
    url, origin = _named_url(registry_url, environment) or _url_here(environment)
    url = _checked_url(url)
    try:
        key, key_origin = _key(url, key_file, environment)
    except ConfigurationError as error:
        raise ConfigurationError(f"for the registry at {url} ({origin}), {error}") from None
    return Registry(url, key, origin, key_origin)


def _named_url(registry_url: str | None, environment: Mapping[str, str]) -> tuple[str, str] | None:
    if registry_url:
        return registry_url, "--registry-url"
    name = "PULSEGUARD_REGISTRY_URL"
    return (environment[name], name) if environment.get(name) else None


def _url_here(environment: Mapping[str, str]) -> tuple[str, str]:
    """The registry of `make up` on this machine, else the port that one would listen on.

    Where a data folder is named, the one of that folder and no other.
    """
    folder = environment.get("PULSEGUARD_DATA_DIR")
    left = Path(folder) / _RUN_FILE if folder else settings_file(environment)
    try:
        document = json.loads(left.read_text(encoding="utf-8"))
        return str(document["registry_url"]), f"of {left}"
    except (OSError, ValueError, LookupError, TypeError):
        of = f" of PULSEGUARD_DATA_DIR={folder}" if folder else ""
        url = f"http://127.0.0.1:{environment.get('PULSEGUARD_PORT', '8000')}"
        return url, f"the usual one, for no `make up`{of} runs"


def _key(url: str, key_file: Path | None, environment: Mapping[str, str]) -> tuple[str, str]:
    named = environment.get("PULSEGUARD_KEY_FILE")
    path = key_file or (Path(named) if named else None)
    if path is None and (key := environment.get("PULSEGUARD_KEY")):
        if not key.isascii() or not key.isprintable():
            raise CommandRefused("PULSEGUARD_KEY holds no key; name a file that does: --key-file")
        return key, "the key in PULSEGUARD_KEY"
    if path is None and _is_here(url):
        folder = environment.get("PULSEGUARD_DATA_DIR")
        path = (Path(folder) if folder else default_data_dir()) / "secrets" / ADMIN_KEY_FILE
    if path is None:
        raise CommandRefused(f"no key for {url} is known; name a file that holds one: --key-file")
    return read_key(path), f"the key file {path}"


def _checked_url(url: str) -> str:
    if not is_web_address(url):
        raise CommandRefused(f"{url!r} is no address of a registry; give http://host:port")
    return url.rstrip("/")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_problem(answer: Answer) -> bool:
    return str(answer.fields().get("type")).startswith(_PROBLEM)


def _said(answer: Answer) -> str:
    """What the problem document says, each wrong field with its value and mend."""
    faults = answer.fields().get("errors")
    if not isinstance(faults, list) or not faults:
        return answer.detail
    return "; ".join(
        f"{fault.get('field')}: {fault.get('message')}"
        for fault in faults
        if isinstance(fault, dict)
    )
