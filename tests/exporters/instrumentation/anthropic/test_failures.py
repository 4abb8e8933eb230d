"""The bounded type of a failed call of Claude, where the status says too little."""

from __future__ import annotations

import anthropic
import pytest

from tests.exporters.instrumentation.anthropic.counting import CALLS, errors, tokens
from tests.exporters.instrumentation.anthropic.fakes import (
    HELLO,
    claude,
    start,
)
from tests.exporters.observing import scrape, total


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("overloaded_error", "server_error"),
        ("api_error", "server_error"),
        ("rate_limit_error", "rate_limit"),
        ("timeout_error", "timeout"),
        ("invalid_request_error", "_OTHER"),
    ],
)
def test_an_error_within_a_stream_is_an_error_of_the_call(agent, kind, error):
    failure = {"type": "error", "error": {"type": kind, "message": "no"}}
    events = [start(input_tokens=9, output_tokens=1), failure]
    with claude(200, events) as client:
        stream = client.messages.create(**HELLO, stream=True)
        with pytest.raises(anthropic.APIStatusError):
            list(stream)

    assert errors(agent) == {error: 1}
    assert tokens(agent) == {"input": 9, "output": 1}
    assert total(scrape(agent), CALLS) == 1


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("prompt is too long: 208310 tokens > 200000 maximum", "context_length"),
        ("input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
         "context_length"),
        ("Output blocked by content filtering policy", "content_filter"),
        ("max_tokens: Field required", "_OTHER"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_apart_by_its_words(agent, message, error):
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    with claude(400, body) as client, pytest.raises(anthropic.BadRequestError):
        client.messages.create(**HELLO)

    assert errors(agent) == {error: 1}
