"""A fixed corpus of hostile bodies, in every field of every operation: refused, never a 5xx."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from tests.registry.conftest import new_database
from tests.registry.problems import assert_problem
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.requests import Call
from tests.registry.running import RunningRegistry, eventually, running_registry
from tests.registry.test_openapi import DOCUMENT, WITH_BODY, operation
from tests.registry.whole_bodies import WHOLE, Place, described_places, places

STRICT = [call for call in WITH_BODY if not call.tolerant]
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


@pytest.fixture(scope="module")
def registry(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One registry for all of these, which takes as many requests as they send."""
    folder = tmp_path_factory.mktemp("s")
    with (
        new_database(postgres, "used") as url,
        running_registry(url, folder, rate_limit_per_second=100_000) as one,
    ):
        yield one


def with_text(body: Any, path: Place, text: str) -> bytes:
    """The JSON with this text for the value at a place."""

    def marked(value: Any, left: Place) -> Any:
        if not left:
            return MARK
        copy = dict(value) if isinstance(value, dict) else list(value)
        copy[left[0]] = marked(value[left[0]], left[1:])
        return copy

    return json.dumps(marked(body, path)).replace(json.dumps(MARK), text).encode()


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_a_body_with_every_field_of_the_document_is_taken(
    registry: RunningRegistry, call: Call
) -> None:
    schema = operation(call)["requestBody"]["content"]["application/json"]["schema"]
    body = WHOLE[str(call)]

    assert set(described_places(DOCUMENT, schema, body)) - set(places(body)) == set()
    answer = call.send(registry, registry.register()["id"], json=body)
    assert answer.status_code < 300, answer.text


def answers(
    registry: RunningRegistry, call: Call, agent_id: str, bodies: Sequence[bytes]
) -> list[Response]:
    """What is answered to these, sent without the threads that a client for tests takes."""
    headers = {"content-type": "application/json", **call.headers, **registry.bearer(None)}

    async def sent() -> list[Response]:
        transport = ASGITransport(registry.app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://registry") as client:
            requests = (
                client.request(call.method, call.path(agent_id), content=body, headers=headers)
                for body in bodies
            )
            return [await request for request in requests]

    assert registry.client.portal is not None
    return registry.client.portal.call(sent)


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_hostile_values_are_refused_in_every_field(registry: RunningRegistry, call: Call) -> None:
    agent_id = registry.register()["id"]
    whole = WHOLE[str(call)]
    texts = [*NEVER_TAKEN.values(), *MAY_BE_TAKEN]
    for path in places(whole):
        bodies = [with_text(whole, path, text) for text in texts]
        told = answers(registry, call, agent_id, bodies)
        for text, answer in zip(texts, told, strict=True):
            where = (path, text[:50], answer.text)
            assert answer.status_code < 500, where
            assert answer.status_code != 429, where
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", where
            # An alert that is refused is an alert that is lost: what can be mended, is.
            elif not call.tolerant:
                assert text in MAY_BE_TAKEN, where


@pytest.mark.parametrize("call", STRICT, ids=str)
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
