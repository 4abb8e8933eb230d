"""Whatever a server sends: the caller gets it as it is, the call counts once, and comes down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openai import OpenAI

import pulseguard
from pulseguard import Agent
from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    ERRORS,
    EXPORTER_FAILURES,
    OPERATION_DURATION,
    TOKENS,
)
from pulseguard.instrumentation.measured import AskUsage
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total

HELLO: Any = [{"role": "user", "content": "Hello."}]
CALLS = f"{OPERATION_DURATION.name}_count"
KEYS = [
    *("usage", "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "x"),
    *("choices", "response", "status", "error", "code", "type", "prompt_tokens_details"),
]
RUBBISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def client_of(body: Any, type: str = "application/json") -> OpenAI:
    answer = httpx2.Response(200, headers={"content-type": type}, content=body)
    transport = httpx2.MockTransport(lambda request: answer)
    return OpenAI(api_key="none", http_client=httpx2.Client(transport=transport), max_retries=0)


def outcome(ask: Any) -> Any:
    try:
        found = ask()
    except Exception as error:  # whatever the client makes of rubbish, it has to make of it again
        return type(error).__name__, str(error)
    return repr(found)


@pytest.fixture
def agent(make_agent: MakeAgent) -> Iterator[Agent]:
    """Not strict: what must not reach the caller is to be counted."""
    made = make_agent(strict=False)
    made.start()
    pulseguard.instrument("openai")
    yield made
    pulseguard.uninstrument()


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answer=RUBBISH, streamed=st.booleans(), asking=st.sampled_from(["always", "never"]))
def test_rubbish_is_handed_on_as_it_came(
    agent: Agent, answer: Any, streamed: bool, asking: AskUsage
):
    text = json.dumps(answer)
    # What answers the question for usage is not for the caller.
    assume(asking == "never" or "prompt_tokens" not in text)
    client = (
        client_of(f"data: {text}\n\ndata: {text}\n\ndata: [DONE]\n\n", "text/event-stream")
        if streamed
        else client_of(text)
    )

    def chat() -> Any:
        found = client.chat.completions.create(model="m", messages=HELLO, stream=streamed)
        return list(found) if streamed else found

    def respond() -> Any:
        found = client.responses.create(model="m", input="Hello.", stream=streamed)
        return list(found) if streamed else found

    def raw() -> Any:
        return client.chat.completions.with_raw_response.create(model="m", messages=HELLO).parse()

    before = total(scrape(agent), CALLS)
    for ask in (chat, respond) if streamed else (chat, respond, raw):
        pulseguard.instrument("openai", ask_usage=asking)
        measured = outcome(ask)
        pulseguard.uninstrument()
        assert measured == outcome(ask)

    page = scrape(agent)
    assert total(page, CALLS) - before == (2 if streamed else 3)
    assert total(page, CALLS_IN_PROGRESS) == 0
    assert total(page, EXPORTER_FAILURES) == 0


def test_a_failed_response_is_a_failed_call(agent: Agent):
    failed = {"id": "r", "object": "response", "status": "failed", "output": []}
    told = {**failed, "error": {"code": "rate_limit_exceeded", "message": "slower"}}
    event = {"type": "response.failed", "sequence_number": 1, "response": told}
    stream = client_of(
        f"event: response.failed\ndata: {json.dumps(event)}\n\n", "text/event-stream"
    )

    client_of(json.dumps(told)).responses.create(model="m", input="Hello.")
    events = list(stream.responses.create(model="m", input="Hello.", stream=True))

    page = scrape(agent)
    assert [each.type for each in events] == ["response.failed"]
    assert total(page, ERRORS, error_type="rate_limit", source="chat") == 2
    assert total(page, CALLS) == 2


@pytest.mark.parametrize("trap", ["metadata", "tools", "text"])
def test_usage_in_a_raw_body_is_the_answers_own(agent: Agent, trap: str):
    usage = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
    parameters = {"properties": {"usage": {"type": "object"}}}
    body = {
        "tools": [{"parameters": parameters}] if trap == "tools" else [],
        "instructions": '"usage":{"input_tokens":1}' if trap == "text" else "",
        "usage": usage,
        "metadata": {"usage": "not mine"} if trap == "metadata" else {},
    }

    client_of(json.dumps(body)).responses.with_raw_response.create(model="m", input="Hello.")

    assert total(scrape(agent), TOKENS) == 9
    assert total(scrape(agent), EXPORTER_FAILURES) == 0


def test_usage_that_is_told_with_every_chunk_counts_as_the_last_says(agent: Agent):
    chunks = [
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": done}}
        for done in range(4)
    ]
    sent = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    pulseguard.instrument("openai", ask_usage="never")

    create = client_of(sent, "text/event-stream").chat.completions.create
    assert len(list(create(model="m", messages=HELLO, stream=True))) == 4

    assert total(scrape(agent), TOKENS, gen_ai_token_type="input") == 5
    assert total(scrape(agent), TOKENS, gen_ai_token_type="output") == 3
