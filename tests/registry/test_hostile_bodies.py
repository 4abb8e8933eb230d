"""A fixed corpus of hostile bodies, in every field of every operation: refused, never a 5xx."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.registry.conftest import new_database
from tests.registry.problems import assert_problem
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.requests import CALLS, Call
from tests.registry.running import RunningRegistry, eventually

WITH_BODY = [call for call in CALLS if call.body is not None and not call.tolerant]
# JSON texts: some of them no library would write.
NEVER_TAKEN = {
    "NUL": r'"a\u0000b"',
    "a raw control character": '"a\x01b"',
    "a lone surrogate": r'"\ud800"',
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a number of 400 digits": "9" * 400,
    "a float beyond all floats": "1e999",
    "a list in a list, 5,000 times": "[" * 5000 + "]" * 5000,
    "a name twice": '{"a": 1, "a": 2}',
    "half a string": '"half',
}
# Right for some fields; for others a type that they do not have.
MAY_BE_TAKEN = ["null", "true", "-1", "0", "1.5", '""', '"text"', "[]", "{}", "[1]", '{"a": 1}']
FIFTY_MEGABYTES = 50_000_000
MARK = "a mark that stands for a value"


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these."""
    return shared_registry


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is a value in this JSON, at any depth."""
    pairs: dict[Any, Any] = body if isinstance(body, dict) else {}
    if isinstance(body, list):
        pairs = dict(enumerate(body))
    for key, value in pairs.items():
        yield (*path, key)
        yield from places(value, (*path, key))


def with_text(body: Any, path: tuple[Any, ...], text: str) -> bytes:
    """The JSON with this text for the value at a place."""

    def marked(value: Any, left: tuple[Any, ...]) -> Any:
        if not left:
            return MARK
        copy = dict(value) if isinstance(value, dict) else list(value)
        copy[left[0]] = marked(value[left[0]], left[1:])
        return copy

    return json.dumps(marked(body, path)).replace(json.dumps(MARK), text).encode()


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_hostile_values_are_refused_in_every_field(registry: RunningRegistry, call: Call) -> None:
    agent_id = registry.register()["id"]
    headers = {"content-type": "application/json"}
    for path in places(call.body):
        for name, text in NEVER_TAKEN.items():
            body = with_text(call.body, path, text)
            answer = call.send(registry, agent_id, content=body, headers=headers)
            assert 400 <= answer.status_code < 500, (path, name, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        for text in MAY_BE_TAKEN:
            body = with_text(call.body, path, text)
            answer = call.send(registry, agent_id, content=body, headers=headers)
            assert answer.status_code < 500, (path, text, answer.text)


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_a_name_that_is_there_twice_is_refused(registry: RunningRegistry, call: Call) -> None:
    agent_id = registry.register()["id"]
    text = json.dumps(call.body)
    name, value = next(iter((call.body or {}).items()))
    body = f"{{{json.dumps(name)}: {json.dumps(value)}, {text[1:]}".encode()

    answer = call.send(
        registry, agent_id, content=body, headers={"content-type": "application/json"}
    )

    assert_problem(answer, 422, name, "twice")


@pytest.fixture(scope="module")
def served(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """A registry that listens."""
    folder = tmp_path_factory.mktemp("served")
    with new_database(postgres) as url, registry_process(folder, url) as one:
        eventually(one.is_ready)
        yield one


def sent_until_answered(served: RegistryProcess, head: bytes, piece: bytes) -> tuple[bytes, int]:
    """The answer's first line, and how much of a body of 50 MB was taken before it came."""
    parts = urlsplit(served.url)
    sent = 0
    with closing(socket.create_connection((parts.hostname, parts.port or 0), 10)) as one:
        one.sendall(head)
        one.settimeout(0.2)
        while sent < FIFTY_MEGABYTES:
            try:
                if answer := one.recv(1 << 16):
                    return answer.partition(b"\r\n")[0], sent
            except TimeoutError:
                pass
            one.settimeout(10 if sent > FIFTY_MEGABYTES // 2 else 0.01)
            try:
                one.sendall(piece)
            except OSError:
                return one.recv(1 << 16).partition(b"\r\n")[0], sent
            sent += len(piece)
        return one.recv(1 << 16).partition(b"\r\n")[0], sent


def test_fifty_megabytes_are_refused_before_they_are_read(served: RegistryProcess) -> None:
    head = (
        "POST /api/v1/agents HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {served.admin_key()}\r\n"
    ).encode()
    length = f"Content-Length: {FIFTY_MEGABYTES}\r\n\r\n".encode()
    chunk = b"80000\r\n" + b"a" * 0x80000 + b"\r\n"

    whole, taken = sent_until_answered(served, head + length, b"a" * 0x80000)
    chunked, chunks_taken = sent_until_answered(
        served, head + b"Transfer-Encoding: chunked\r\n\r\n", chunk
    )
    packed, _ = sent_until_answered(
        served, head + b"Content-Encoding: gzip\r\n" + length, b"\x1f\x8b" * 1000
    )

    assert whole.startswith(b"HTTP/1.1 413")
    assert chunked.startswith(b"HTTP/1.1 413")
    assert packed.startswith(b"HTTP/1.1 415")
    assert max(taken, chunks_taken) < 5_000_000
