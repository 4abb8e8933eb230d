"""Usage is asked for where a stream comes without, and the caller cannot tell that it was."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI

import pulseguard
from pulseguard import Agent
from pulseguard.catalog import CALLS_WITHOUT_USAGE, TOKENS
from pulseguard.instrumentation.measured import AskUsage, Meter
from pulseguard.instrumentation.openai.endpoints import ChatCompletions
from pulseguard.instrumentation.raw import RawAnswers
from tests.exporters.instrumentation.model_server import ModelServer
from tests.exporters.observing import scrape, total

HELLO: Any = [{"role": "user", "content": "Tell me something."}]


def ask(client: OpenAI, call: str, **parameters: Any) -> list[Any]:
    headers = {"X-Call-Id": call}
    asked = {"model": "gpt-4o", "messages": HELLO, "stream": True, "extra_headers": headers}
    return list(client.chat.completions.create(**{**asked, **parameters}))


def without_times(chunks: list[Any]) -> list[Any]:
    return [{**chunk.to_dict(), "created": 0} for chunk in chunks]


def test_the_chunks_are_those_of_a_client_that_did_not_ask(agent: Agent, client: OpenAI):
    pulseguard.instrument("openai", ask_usage="always", strict=True)
    measured = ask(client, "asked")
    pulseguard.uninstrument()
    plain = ask(client, "asked")

    assert without_times(measured) == without_times(plain)
    assert [chunk.model_dump_json() for chunk in measured] == [
        chunk.model_dump_json().replace(f'"created":{chunk.created}', f'"created":{m.created}')
        for chunk, m in zip(plain, measured, strict=True)
    ]
    # As many tokens as there are pieces of text.
    text = scrape(agent)
    pieces = sum(bool(chunk.choices[0].delta.content) for chunk in plain)
    assert total(text, TOKENS, gen_ai_token_type="output") == pieces
    assert total(text, CALLS_WITHOUT_USAGE) == 0


@pytest.mark.parametrize("asking", ["known", "never"])
def test_a_server_that_is_not_known_is_not_asked(agent: Agent, client: OpenAI, asking: AskUsage):
    pulseguard.instrument("openai", ask_usage=asking)

    ask(client, "not asked")

    text = scrape(agent)
    assert total(text, TOKENS) == 0
    assert total(text, CALLS_WITHOUT_USAGE, gen_ai_request_model="gpt-4o") == 1


@pytest.mark.parametrize("asking", ["always", "known", "never"])
def test_who_asks_himself_gets_the_chunk_and_it_counts(
    agent: Agent, client: OpenAI, asking: AskUsage
):
    pulseguard.instrument("openai", ask_usage=asking)

    chunks = ask(client, "asks himself", stream_options={"include_usage": True})

    assert chunks[-1].choices == []
    assert total(scrape(agent), TOKENS) == chunks[-1].usage.total_tokens


def test_who_wants_none_gets_none(agent: Agent, client: OpenAI):
    pulseguard.instrument("openai", ask_usage="always")

    chunks = ask(client, "wants none", stream_options={"include_usage": False})

    assert all(chunk.usage is None for chunk in chunks)
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 1


def test_the_bytes_of_a_raw_stream_are_not_changed(agent: Agent, client: OpenAI):
    pulseguard.instrument("openai", ask_usage="always")

    raw = client.chat.completions.with_raw_response
    answer = raw.create(model="gpt-4o", messages=HELLO, stream=True)

    assert "usage" not in "".join(answer.http_response.iter_text())


def test_what_the_caller_gave_is_left_as_it_is(agent: Agent, client: OpenAI):
    pulseguard.instrument("openai", ask_usage="always")
    options = {"include_obfuscation": False}

    ask(client, "his options", stream_options=options)

    assert options == {"include_obfuscation": False}
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 0


def azure(version: str) -> openai.AzureOpenAI:
    return openai.AzureOpenAI(
        azure_endpoint="https://one.openai.azure.com", api_version=version, api_key="none"
    )


@pytest.mark.parametrize(
    ("client", "known"),
    [
        (OpenAI(api_key="none"), True),
        (OpenAI(api_key="none", base_url="https://eu.api.openai.com/v1"), True),
        (OpenAI(api_key="none", base_url="https://one.openai.azure.com/openai/v1"), True),
        (OpenAI(api_key="none", base_url="https://api.groq.com/openai/v1"), False),
        (OpenAI(api_key="none", base_url="https://notapi.openai.com.example.org/v1"), False),
        (OpenAI(api_key="none", base_url="http://127.0.0.1:11434/v1"), False),
        (azure("2024-10-21"), True),
        (azure("preview"), True),
        (azure("2024-02-01"), False),
    ],
)
def test_known_are_openai_and_azure_since_it_takes_the_question(client: OpenAI, known: bool):
    endpoint = ChatCompletions(Meter("openai"), RawAnswers())
    given: dict[str, Any] = {"model": "gpt-4o", "stream": True, "stream_options": openai.omit}

    sent = endpoint.request(client.chat.completions, given)

    assert (sent.get("stream_options") == {"include_usage": True}) is known
    assert known or sent is given


@pytest.mark.parametrize(
    "arguments",
    [{}, {"stream": False}, {"stream": None}, {"stream": True, "extra_body": {"stream": False}}],
)
def test_what_is_no_stream_is_sent_as_it_is(arguments: dict[str, Any], server: ModelServer):
    endpoint = ChatCompletions(Meter("openai"), RawAnswers())
    client = OpenAI(api_key="none")

    assert endpoint.request(client.chat.completions, arguments) is arguments
