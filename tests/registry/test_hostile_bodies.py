"""A fixed corpus of hostile bodies, in every field of every operation: refused, never a 5xx."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from tests.registry.conftest import new_database
from tests.registry.problems import assert_problem
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.requests import REGISTERED, Call
from tests.registry.running import RunningRegistry, eventually, running_registry
from tests.registry.test_openapi import DOCUMENT, WITH_BODY, operation
from tests.registry.whole_bodies import WHOLE, Place, described_places, objects, places

STRICT = [call for call in WITH_BODY if not call.tolerant]
# JSON texts: some of them no library would write.
NEVER_TAKEN = {
    "NUL": r'"a\u0000b"',
    "a raw control character": '"a\x01b"',
    "a lone surrogate": r'"\ud800"',
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a number of 400 digits": "9" * 400,
    "the first number of more than 64 bits": str(2**63),
    "a float beyond all floats": "1e999",
    "a list in a list, 5,000 times": "[" * 5000 + "]" * 5000,
    "a name twice": '{"a": 1, "a": 2}',
    "half a string": '"half',
}
# Right for some fields; for others a type that they do not have.
MAY_BE_TAKEN = ["null", "true", "-1", "0", "1.5", '""', '"text"', "[]", "{}", "[1]", '{"a": 1}']
NAMES_NEVER_TAKEN = {
    "NUL": r'"a\u0000b"',
    "a raw control character": '"a\x01b"',
    "a lone surrogate": r'"\udfff"',
    "20,000 characters": f'"{"a" * 20_000}"',
    "no text": "1",
}
# Right for an agent's configuration.
NAMES_MAY_BE_TAKEN = ['""', '" "', r'"\u202e"', '"__class__"', '"0"', '"\U0001f600"']
# Each text and each place, but each text at each place in the long run only.
STEP = 1 if os.environ.get("PULSEGUARD_TEST_LONG") else 3
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
    return written(changed(body, path, lambda _: MARK), text)


def with_name(body: Any, path: Place, text: str) -> bytes:
    """The JSON with this text for one name more in the object at a place, of a value like there."""
    return written(changed(body, path, lambda it: {**it, MARK: next(iter(it.values()))}), text)


def changed(value: Any, path: Place, change: Callable[[Any], Any]) -> Any:
    """The same with what is at a place changed."""
    if not path:
        return change(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], change)
    return copy


def written(marked: Any, text: str) -> bytes:
    """The JSON with this text where the mark is."""
    return json.dumps(marked).replace(json.dumps(MARK), text).encode()


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_a_body_with_every_field_of_the_document_is_taken(
    registry: RunningRegistry, call: Call
) -> None:
    schema = operation(call)["requestBody"]["content"]["application/json"]["schema"]
    body = WHOLE[str(call)]

    assert set(described_places(DOCUMENT, schema, body)) - set(places(body)) == set()
    answer = call.send(registry, call.target(registry), json=body)
    assert call.is_taken(answer), answer.text


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


def assert_refused(
    registry: RunningRegistry,
    call: Call,
    path: Place,
    bodies: Mapping[str, bytes],
    may_be_taken: Sequence[str],
) -> None:
    """Each, by the text that it has at this place, unless it may be taken there."""
    told = answers(registry, call, call.target(registry), list(bodies.values()))
    for text, answer in zip(bodies, told, strict=True):
        where = (path, text[:50], answer.text)
        assert answer.status_code < 500, where
        assert answer.status_code != 429, where
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", where
        # An alert that is refused is an alert that is lost: what can be mended, is. So is why a
        # Prometheus refuses a rule.
        elif not call.tolerant and not (call.template.endswith("/rules") and path[-1] in SAID):
            assert text in may_be_taken, where


# By sync, of what promtool and Prometheus have said.
SAID = ("reason", "trouble")


@dataclass(frozen=True)
class Corpus:
    """Texts for certain places of a body, and which of them may be taken there."""

    # Any: a JSON value.
    places: Callable[[Any], Iterable[Place]]
    body: Callable[[Any, Place, str], bytes]
    never_taken: Collection[str]
    may_be_taken: Sequence[str]


VALUES = Corpus(places, with_text, NEVER_TAKEN.values(), MAY_BE_TAKEN)
NAMES = Corpus(objects, with_name, NAMES_NEVER_TAKEN.values(), NAMES_MAY_BE_TAKEN)


@pytest.mark.parametrize("corpus", [VALUES, NAMES], ids=["every field", "names in every object"])
@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_what_is_hostile_is_refused_wherever_it_stands(
    registry: RunningRegistry, call: Call, corpus: Corpus
) -> None:
    whole = WHOLE[str(call)]
    for place, path in enumerate(corpus.places(whole)):
        texts = [*corpus.never_taken, *corpus.may_be_taken][place % STEP :: STEP]
        bodies = {text: corpus.body(whole, path, text) for text in texts}
        assert_refused(registry, call, path, bodies, corpus.may_be_taken)


@pytest.mark.parametrize("call", STRICT, ids=str)
def test_a_name_that_is_there_twice_is_refused(registry: RunningRegistry, call: Call) -> None:
    agent_id = call.target(registry)
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


def connected(served: RegistryProcess) -> closing[socket.socket]:
    """A connection to it, closed at the end of the block."""
    parts = urlsplit(served.url)
    return closing(socket.create_connection((parts.hostname, parts.port or 0), 10))


def sent_until_answered(served: RegistryProcess, head: bytes, piece: bytes) -> tuple[bytes, int]:
    """The answer's first line, and how much of a body of 50 MB was taken before it came."""
    sent = 0
    with connected(served) as one:
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


def head(served: RegistryProcess, call: Call) -> bytes:
    """The request as far as what tells of its body."""
    headers = {
        "Host": "here",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {served.admin_key()}",
        **call.headers,
    }
    lines = [f"{call.method} {call.path(REGISTERED)} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, ""]).encode()


LENGTH = f"Content-Length: {FIFTY_MEGABYTES}\r\n\r\n".encode()


@pytest.mark.parametrize("call", WITH_BODY, ids=str)
def test_fifty_megabytes_are_refused_before_any_is_sent(
    served: RegistryProcess, call: Call
) -> None:
    with connected(served) as one:
        one.sendall(head(served, call) + LENGTH)

        assert one.recv(1 << 16).startswith(b"HTTP/1.1 413")


def test_fifty_megabytes_are_refused_before_they_are_read(served: RegistryProcess) -> None:
    begun = head(served, WITH_BODY[0])
    chunk = b"80000\r\n" + b"a" * 0x80000 + b"\r\n"

    whole, taken = sent_until_answered(served, begun + LENGTH, b"a" * 0x80000)
    chunked, chunks_taken = sent_until_answered(
        served, begun + b"Transfer-Encoding: chunked\r\n\r\n", chunk
    )
    packed, _ = sent_until_answered(
        served, begun + b"Content-Encoding: gzip\r\n" + LENGTH, b"\x1f\x8b" * 1000
    )

    assert whole.startswith(b"HTTP/1.1 413")
    assert chunked.startswith(b"HTTP/1.1 413")
    assert packed.startswith(b"HTTP/1.1 415")
    assert max(taken, chunks_taken) < 5_000_000
