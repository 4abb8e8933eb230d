"""How a request for Claude fails, and what the ledger says of it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import anthropic
import httpx2
import pytest
from anthropic import Anthropic

from pulseguard_stack.model_server.ledger import Tokens
from tests.stack.messages.asking import (
    LONG,
    SEARCH,
    asked,
    only_entry,
    tokens_of,
)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "boss", "content": "x"}]}, r"messages\.0\.role"),
        ({"messages": [{"role": "user", "content": 7}]}, r"messages\.0\.content"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1024, "thinking": {"type": "enabled", "budget_tokens": 1024}}, "budget"),
        ({"tools": [{"input_schema": {}}]}, r"tools\.0\.name"),
        ({"tools": [SEARCH], "tool_choice": {"type": "tool", "name": "x"}}, "tool 'x' not found"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"extra_headers": {"X-Simulate": "earthquake"}}, "X-Simulate"),
    ],
)
def test_wrong_input_is_a_400_that_names_the_parameter(claude, wrong, named):
    with pytest.raises(anthropic.BadRequestError, match=named) as refused:
        claude.messages.create(**asked(**wrong))

    assert refused.value.type == "invalid_request_error"


def test_a_body_that_is_no_json_is_a_400(server):
    request = urllib.request.Request(f"{server.url}/v1/messages", data=b"{model:")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)

    body = json.load(refused.value)
    assert (refused.value.code, body["type"]) == (400, "error")
    assert "not valid JSON" in body["error"]["message"]


def test_an_unknown_model_is_a_404(claude):
    with pytest.raises(anthropic.NotFoundError) as refused:
        claude.messages.create(**asked(model="claude-99"))

    assert refused.value.type == "not_found_error"


def test_a_prompt_beyond_the_window_is_too_long(start_server):
    server = start_server("--model", "small:50")
    with Anthropic(base_url=server.url, api_key="none") as client:
        parameters = asked("long", model="small", messages=[{"role": "user", "content": LONG}])
        with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > 50"):
            client.messages.create(**parameters)

    assert only_entry(server, "long").outcome == "context_length"


@pytest.mark.parametrize(
    ("word", "error", "kind", "outcome"),
    [
        ("401", anthropic.AuthenticationError, "authentication_error", "auth"),
        ("400-context", anthropic.BadRequestError, "invalid_request_error", "context_length"),
        ("400-content-filter", anthropic.BadRequestError, "invalid_request_error",
         "content_filter"),
        ("429", anthropic.RateLimitError, "rate_limit_error", "rate_limit"),
        ("500", anthropic.InternalServerError, "api_error", "server_error"),
        ("529", anthropic.OverloadedError, "overloaded_error", "server_error"),
    ],
)  # fmt: skip
def test_an_error_can_be_asked_for(server, claude, word, error, kind, outcome):
    with pytest.raises(error) as refused:
        claude.messages.create(**asked(f"error {word}", word))

    assert refused.value.type == kind
    assert refused.value.request_id.startswith("req_simulated")
    assert "simulated" in str(refused.value)
    assert only_entry(server, f"error {word}").outcome == outcome


def test_the_client_retries_and_is_told_how_long_to_wait(server):
    with Anthropic(base_url=server.url, api_key="none", max_retries=2) as client:
        client.messages.create(**asked("retried", "529*2"))
        with pytest.raises(anthropic.RateLimitError) as refused:
            client.messages.create(**asked("refused", "429"))

    outcomes = [(entry.attempt, entry.outcome) for entry in server.entries("retried")]
    assert outcomes == [(0, "server_error"), (1, "server_error"), (2, "ok")]
    assert refused.value.response.headers["retry-after-ms"] == "5"
    assert refused.value.response.headers["retry-after"] == "1"


def test_a_cut_stream_has_told_its_input_and_a_cut_answer_nothing(server, claude):
    with pytest.raises(anthropic.APIConnectionError):
        claude.messages.create(**asked("claude cut plain", "cut"))
    told = []
    # Within a stream this client passes its HTTP library's error on.
    with pytest.raises(httpx2.RemoteProtocolError):
        told.extend(claude.messages.create(**asked("claude cut stream", "cut"), stream=True))

    start = told[0].message.usage
    plain = only_entry(server, "claude cut plain")
    streamed = only_entry(server, "claude cut stream")
    assert (plain.outcome, plain.tokens) == ("cut", Tokens())
    assert (streamed.outcome, streamed.tokens) == ("cut", tokens_of(start))
    assert start.input_tokens > 0
    assert start.output_tokens == 1


def test_a_dropped_stream_has_told_its_input(start_server):
    server = start_server("--first-token-median", "0.01", "--token-median", "0.1")
    with Anthropic(base_url=server.url, api_key="none") as client:
        stream = client.messages.create(**asked("claude drop"), stream=True)
        start = next(stream).message.usage
        stream.close()

    entry = only_entry(server, "claude drop")
    assert (entry.outcome, entry.tokens) == ("client_dropped", tokens_of(start))
