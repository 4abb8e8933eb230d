"""What the real `openai` client gets from the simulated server."""

from __future__ import annotations

import asyncio
import json
import math
import urllib.error
import urllib.request
from typing import Any
from uuid import uuid4

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

HELLO: Any = [{"role": "user", "content": "Tell me something."}]
LONG = [{"role": "user", "content": "A long text about ships and harbours. " * 300}]
SEARCH: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "search",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer", "minimum": 3, "maximum": 5},
                "scope": {"enum": ["docs", "code"]},
                "filters": {"type": "array", "items": {"$ref": "#/$defs/filter"}},
            },
            "required": ["query", "limit", "scope", "filters"],
            "$defs": {
                "filter": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
        },
    },
}


def ask(client: OpenAI, messages: Any = HELLO, model: str = "gpt-4o", **parameters: Any) -> Any:
    return client.chat.completions.create(model=model, messages=messages, **parameters)


def check_search_arguments(text: str) -> None:
    arguments = json.loads(text)
    assert arguments.keys() == {"query", "limit", "scope", "filters"}
    assert isinstance(arguments["query"], str)
    assert arguments["limit"] in (3, 4, 5)
    assert arguments["scope"] in ("docs", "code")
    assert [filter.keys() for filter in arguments["filters"]] == [{"name"}]


def test_a_plain_answer_says_that_it_is_simulated_and_its_usage_adds_up(client):
    answer = ask(client)

    assert answer.choices[0].message.content.startswith("This is simulated text.")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_brings_the_text_in_pieces_and_usage_only_on_request(client):
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    bare = list(ask(client, stream=True))

    text = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert "".join(text).startswith("This is simulated text.")
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == len(text) > 5
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert all(chunk.usage is None for chunk in [*chunks[:-1], *bare])


def test_a_reasoning_model_reports_reasoning_tokens_inside_completion_tokens(client):
    usage = ask(client, model="o4-mini").usage

    assert 0 < usage.completion_tokens_details.reasoning_tokens < usage.completion_tokens


def test_a_tool_is_called_with_arguments_that_fit_then_the_result_is_answered_in_text(client):
    first = ask(client, tools=[SEARCH])
    call = first.choices[0].message.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": "found"}
    second = ask(client, [*HELLO, first.choices[0].message, result], tools=[SEARCH])

    assert first.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "search"
    check_search_arguments(call.function.arguments)
    assert second.choices[0].message.tool_calls is None
    assert second.choices[0].message.content


def test_streamed_tool_calls_are_put_together_by_the_client(client):
    other = {"type": "function", "function": {"name": "noop"}}
    several = 0
    for _ in range(20):
        with client.chat.completions.stream(
            model="gpt-4o", messages=HELLO, tools=[SEARCH, other], tool_choice="required"
        ) as stream:
            choice = stream.get_final_completion().choices[0]
        assert choice.finish_reason == "tool_calls"
        several += len(choice.message.tool_calls) == 2
        for call in choice.message.tool_calls:
            if call.function.name == "search":
                check_search_arguments(call.function.arguments)

    assert 0 < several < 20


def test_tool_choice_is_obeyed(client):
    other = {"type": "function", "function": {"name": "noop"}}
    named = {"type": "function", "function": {"name": "noop"}}
    chosen = ask(client, tools=[SEARCH, other], tool_choice=named).choices[0].message
    none = ask(client, tools=[SEARCH], tool_choice="none").choices[0].message

    assert [(c.function.name, c.function.arguments) for c in chosen.tool_calls] == [("noop", "{}")]
    assert none.tool_calls is None


def test_log_probabilities_cover_every_token_plain_and_streamed(client):
    wanted: Any = {"logprobs": True, "top_logprobs": 3}
    plain = ask(client, **wanted)
    chunks = list(ask(client, stream=True, **wanted))
    streamed = [t for c in chunks if c.choices[0].logprobs for t in c.choices[0].logprobs.content]

    tokens = plain.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == plain.choices[0].message.content
    assert len(tokens) == plain.usage.completion_tokens
    assert all(token.logprob <= 0 for token in [*tokens, *streamed])
    assert all(len(token.top_logprobs) == 3 for token in [*tokens, *streamed])
    assert all(sum(math.exp(t.logprob) for t in one.top_logprobs) < 1.0001 for one in tokens)
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert "".join(token.token for token in streamed) == text


def test_the_second_identical_long_prompt_is_read_from_the_cache(client):
    unique = [{"role": "system", "content": uuid4().hex}, *LONG]
    first, second = ask(client, unique).usage, ask(client, unique).usage
    other = ask(client, [{"role": "system", "content": uuid4().hex}, *LONG]).usage

    assert first.prompt_tokens_details.cached_tokens == 0
    assert second.prompt_tokens_details.cached_tokens >= 1024
    assert second.prompt_tokens_details.cached_tokens % 128 == 0
    assert second.prompt_tokens - second.prompt_tokens_details.cached_tokens < 128
    assert other.prompt_tokens_details.cached_tokens == 0


def test_a_short_prompt_is_never_read_from_the_cache(client):
    usages = [ask(client).usage for _ in range(2)]

    assert [usage.prompt_tokens_details.cached_tokens for usage in usages] == [0, 0]


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_the_output_limit_ends_the_answer_with_length(client, limit):
    limits: Any = {limit: 3}
    answer = ask(client, **limits)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


def test_a_reasoning_model_that_may_not_say_much_says_nothing(client):
    answer = ask(client, model="o4-mini", max_completion_tokens=5, reasoning_effort="high")

    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == ""
    assert answer.usage.completion_tokens_details.reasoning_tokens == 5


def test_a_structured_answer_fits_its_schema(client):
    schema = {"name": "found", "schema": SEARCH["function"]["parameters"]}
    answer = ask(client, response_format={"type": "json_schema", "json_schema": schema})

    check_search_arguments(answer.choices[0].message.content)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"n": 2}, "n"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "model": "o4-mini"}, "max_tokens"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [SEARCH], "tool_choice": {"type": "function", "function": {"name": "x"}}},
         "tool_choice"),
        ({"tools": [{"type": "function",
                     "function": {"name": "f", "parameters": {"properties": 3}}}]}, "tools"),
        ({"extra_headers": {"X-Simulate": "earthquake"}}, "X-Simulate"),
    ],
)  # fmt: skip
def test_wrong_input_is_a_400_that_names_the_parameter(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, **{"messages": HELLO, "model": "gpt-4o", **wrong})

    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"


def test_a_body_that_is_no_json_is_a_400(server):
    request = urllib.request.Request(f"{server.url}/v1/chat/completions", data=b"{model:")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)

    assert refused.value.code == 400
    assert "could not parse" in json.load(refused.value)["error"]["message"]


def test_an_unknown_model_is_a_404(client):
    with pytest.raises(openai.NotFoundError) as refused:
        ask(client, model="gpt-99")

    assert refused.value.code == "model_not_found"


def test_a_prompt_beyond_the_window_is_context_length_exceeded(start_server):
    server = start_server("--model", "small:50")
    with server.client() as client, pytest.raises(openai.BadRequestError) as refused:
        ask(client, LONG, model="small", extra_headers={"X-Call-Id": "long"})

    assert refused.value.code == "context_length_exceeded"
    assert [entry.outcome for entry in server.entries("long")] == ["context_length"]


@pytest.mark.parametrize(
    ("word", "error", "code"),
    [
        ("401", openai.AuthenticationError, "invalid_api_key"),
        ("400-context", openai.BadRequestError, "context_length_exceeded"),
        ("400-content-filter", openai.BadRequestError, "content_filter"),
        ("429", openai.RateLimitError, "rate_limit_exceeded"),
        ("500", openai.InternalServerError, None),
    ],
)
def test_an_error_can_be_asked_for(client, word, error, code):
    with pytest.raises(error) as refused:
        ask(client, extra_headers={"X-Simulate": word})

    assert refused.value.code == code
    assert "simulated" in refused.value.message


async def collect(client: AsyncOpenAI, call: str, stream: bool) -> str:
    answer: Any = await client.chat.completions.create(
        model="gpt-4o", messages=HELLO, stream=stream, extra_headers={"X-Call-Id": call}
    )
    if not stream:
        return str(answer.choices[0].message.content)
    return "".join([c.choices[0].delta.content or "" async for c in answer])


def test_the_async_client_gets_the_same_answers(server):
    async def both() -> list[str]:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            return [await collect(client, "same", stream) for stream in (False, True)]

    plain, streamed = asyncio.run(both())

    assert plain == streamed != ""
