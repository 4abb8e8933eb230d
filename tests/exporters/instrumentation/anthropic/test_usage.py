"""The tokens of a call of Claude, from whatever a server says of them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CALLS_WITHOUT_USAGE,
)
from pulseguard.instrumentation.anthropic.usage import message_usage, updated_usage
from pulseguard.recording.usage import Usage
from tests.exporters.instrumentation.anthropic.counting import tokens
from tests.exporters.instrumentation.anthropic.fakes import (
    HELLO,
    MESSAGE,
    STOP,
    claude,
    delta,
    start,
)
from tests.exporters.observing import scrape, total


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        "many",
        {"input_tokens": "nine", "output_tokens": 28},
        {"input_tokens": -9, "output_tokens": 28},
        {"input_tokens": None, "output_tokens": 28},
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_usage_that_makes_no_sense_is_unknown(agent, usage, streamed):
    message = {**MESSAGE, "usage": usage}
    events = [{"type": "message_start", "message": {**message, "content": []}}, STOP]
    with claude(200, events if streamed else message) as client:
        answer = client.messages.create(**HELLO, stream=streamed)
        if streamed:
            assert [event.type for event in answer] == ["message_start", "message_stop"]
        else:
            assert answer.content[0].text == "Hello."

    assert tokens(agent) == {}
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 1


def test_a_stream_without_a_beginning_is_unknown_and_passed_on(agent):
    with claude(200, [delta("end_turn", output_tokens=28), STOP]) as client:
        events = [event.type for event in client.messages.create(**HELLO, stream=True)]

    assert events == ["message_delta", "message_stop"]
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 1
    assert total(scrape(agent), CALLS_IN_PROGRESS) == 0


def test_the_folded_usage_is_that_of_the_clients_own_final_message():
    luck = Random(7)
    for _ in range(50):
        events = [start(**_usage(luck, whole=True))]
        events += [delta(None, **_usage(luck, whole=False)) for _ in range(luck.randrange(4))]
        with claude(200, [*events, STOP]) as client, client.messages.stream(**HELLO) as stream:
            final = stream.get_final_message().usage

        folded: Usage | None = None
        for event in events:
            told = event["message"]["usage"] if "message" in event else event["usage"]
            folded = updated_usage(folded, told)
        assert folded == message_usage(final)


def _usage(luck: Random, whole: bool) -> dict[str, Any]:
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    needed = {"output_tokens": luck.randrange(1000)}
    if whole:
        needed["input_tokens"] = luck.randrange(1000)
    optional = {name: luck.randrange(1000) for name in names if luck.random() < 0.5}
    if luck.random() < 0.3:
        return {**optional, **needed, "output_tokens_details": {"thinking_tokens": 0}}
    return {**optional, **needed}
