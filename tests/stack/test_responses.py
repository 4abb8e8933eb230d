"""What the real `openai` client gets from the simulated server's responses."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import openai
import pytest
from pydantic import BaseModel

from pulseguard_stack.model_server.ledger import Tokens

SEARCH: dict[str, Any] = {
    "type": "function",
    "name": "search",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["query", "limit"],
    },
}
LONG = "A long text about ships and harbours. " * 300


def respond(client: Any, input: Any = "Tell me something.", **parameters: Any) -> Any:
    return client.responses.create(**{"model": "gpt-4o", "input": input, **parameters})


def test_a_plain_answer_says_that_it_is_simulated_and_its_usage_adds_up(client):
    answer = respond(client)

    assert answer.status == "completed"
    assert answer.output_text.startswith("This is simulated text.")
    assert answer.usage.input_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_a_stream_brings_the_text_in_pieces_and_the_response_at_its_end(client):
    call = uuid4().hex
    events = list(respond(client, stream=True, extra_headers={"X-Call-Id": call}))
    whole = respond(client, extra_headers={"X-Call-Id": call})

    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[0].response.usage is None
    assert events[-1].type == "response.completed"
    assert "".join(deltas) == events[-1].response.output_text == whole.output_text
    assert len(deltas) == events[-1].response.usage.output_tokens > 5
    assert events[-1].response.usage == whole.usage


def test_the_clients_own_stream_accumulates_the_same_response(client):
    with client.responses.stream(model="o4-mini", input="What is 6 x 7?") as stream:
        text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        final = stream.get_final_response()

    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert text == final.output_text
    assert text.startswith("Answer: ")
    assert 0 < final.usage.output_tokens_details.reasoning_tokens < final.usage.output_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_a_function_is_called_with_fitting_arguments_then_its_result_is_answered(client, stream):
    if stream:
        with client.responses.stream(model="gpt-4o", input="Search it.", tools=[SEARCH]) as opened:
            answer = opened.get_final_response()
    else:
        answer = respond(client, "Search it.", tools=[SEARCH])
    (call,) = answer.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "nothing found"}
    follow_up = [{"role": "user", "content": "Search it."}, call.to_dict(), result]
    then = respond(client, follow_up, tools=[SEARCH])

    assert call.type == "function_call"
    assert json.loads(call.arguments).keys() == {"query", "limit"}
    assert then.output_text.startswith("This is simulated text.")


def test_a_structured_answer_fits_its_class(client):
    class Weather(BaseModel):
        city: str
        degrees: int

    answer = client.responses.parse(model="gpt-4o", input="The weather?", text_format=Weather)

    assert isinstance(answer.output_parsed, Weather)


def test_an_answer_at_its_output_limit_is_incomplete(client):
    # One call's answer is always the same; of others some are shorter than that.
    asked = {"max_output_tokens": 16, "extra_headers": {"X-Call-Id": "a long one"}}
    answer = respond(client, **asked)
    events = list(respond(client, stream=True, **asked))

    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage.output_tokens == 16
    assert events[-1].type == "response.incomplete"


@pytest.mark.parametrize("stream", [False, True])
def test_the_ledger_holds_the_tokens_that_the_client_was_told(client, server, stream):
    call = uuid4().hex
    asked = {"instructions": LONG + call, "extra_headers": {"X-Call-Id": call}}
    respond(client, **asked)
    answer = respond(client, stream=stream, **asked)
    usage = list(answer)[-1].response.usage if stream else answer.usage

    _, entry = server.entries(call)
    cached = usage.input_tokens_details.cached_tokens
    assert cached > 1024
    assert entry.endpoint == "/v1/responses"
    assert entry.stream is stream
    assert entry.tokens == Tokens(
        input=usage.input_tokens - cached, cache_read=cached, output=usage.output_tokens
    )


@pytest.mark.parametrize(
    ("fault", "error", "outcome"),
    [
        ("429", openai.RateLimitError, "rate_limit"),
        ("500", openai.InternalServerError, "server_error"),
        ("400-context", openai.BadRequestError, "context_length"),
        ("cut", openai.APIConnectionError, "cut"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_faults_are_those_of_every_endpoint(client, server, fault, error, outcome, stream):
    call = uuid4().hex
    headers = {"X-Simulate": fault, "X-Call-Id": call}

    with pytest.raises(error):
        list(respond(client, stream=stream, extra_headers=headers))

    (entry,) = server.entries(call)
    assert (entry.outcome, entry.tokens) == (outcome, Tokens())


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"model": "gpt-9"}, "model"),
        ({"input": []}, "input"),
        ({"tools": [{**SEARCH, "name": "no name"}]}, "tools[0].name"),
        ({"tools": [SEARCH], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"max_output_tokens": 1}, "max_output_tokens"),
    ],
)
def test_a_wrong_parameter_is_named(client, parameters, param):
    with pytest.raises(openai.APIStatusError) as refused:
        respond(client, **parameters)

    assert refused.value.param == param


def test_an_input_beyond_the_window_is_refused(client):
    with pytest.raises(openai.BadRequestError) as refused:
        respond(client, "word " * 130_000)

    assert refused.value.code == "context_length_exceeded"
