"""Which clients and calls are measured, and as whose."""

from __future__ import annotations

import inspect
from typing import Any

import anthropic
from anthropic.resources.beta.messages import AsyncMessages as AsyncBetaMessages
from anthropic.resources.messages import AsyncMessages, Messages
from opentelemetry.sdk.trace import TracerProvider

from pulseguard.instrumentation import instrument, uninstrument
from pulseguard.otel import PulseGuardSpanProcessor
from tests.exporters.instrumentation.anthropic.counting import CALLS, tokens
from tests.exporters.instrumentation.anthropic.fakes import (
    HELLO,
    MESSAGE,
    STOP,
    claude,
    delta,
    start,
    transport,
)
from tests.exporters.observing import scrape, total


def test_the_clients_for_other_clouds_are_named_by_their_platform(agent):
    clients: list[Any] = [
        anthropic.AnthropicVertex(
            region="eu", project_id="p", access_token="x", http_client=transport(200, MESSAGE)
        ),
        anthropic.AnthropicBedrock(
            aws_region="eu-west-1", api_key="x", http_client=transport(200, MESSAGE)
        ),
        anthropic.AnthropicBedrockMantle(
            aws_region="eu-west-1", api_key="x", http_client=transport(200, MESSAGE)
        ),
        claude(200, MESSAGE),
    ]
    for client in clients:
        client.messages.create(**HELLO)
        client.beta.messages.create(**HELLO)
        client.close()

    text = scrape(agent)
    providers = ("gcp.vertex_ai", "aws.bedrock", "anthropic")
    calls = [total(text, CALLS, gen_ai_provider_name=provider) for provider in providers]
    assert calls == [2, 4, 2]
    assert total(text, CALLS) == 8


def test_streams_of_other_clouds_are_measured_too(agent):
    events = [start(input_tokens=9, output_tokens=1), delta("end_turn", output_tokens=28), STOP]
    client = anthropic.AnthropicVertex(
        region="eu", project_id="p", access_token="x", http_client=transport(200, events)
    )
    both: list[Any] = [client.messages, client.beta.messages]
    for messages in both:
        with messages.stream(**HELLO) as stream:
            assert stream.get_final_message().usage.output_tokens == 28
    client.close()

    assert tokens(agent) == {"input": 18, "output": 56}
    assert total(scrape(agent), CALLS, gen_ai_provider_name="gcp.vertex_ai") == 2


def test_a_call_made_by_hand_around_the_client_is_the_only_one(agent):
    events = [start(input_tokens=9, output_tokens=1), delta("end_turn", output_tokens=28), STOP]
    with claude(200, events) as client, agent.llm_call("mine", "my-model"):
        for _ in client.messages.create(**HELLO, stream=True):
            pass
        with client.messages.stream(**HELLO) as stream:
            stream.until_done()

    text = scrape(agent)
    assert total(text, CALLS) == total(text, CALLS, gen_ai_provider_name="mine") == 1
    assert tokens(agent) == {"input": 18, "output": 56}


def test_a_call_that_the_clients_own_spans_tell_of_too_counts_once(agent):
    provider = TracerProvider()
    provider.add_span_processor(PulseGuardSpanProcessor(agent, strict=True))
    events = [start(input_tokens=9, output_tokens=1), delta("end_turn", output_tokens=28), STOP]
    with claude(200, events).with_options(open_telemetry={"tracer_provider": provider}) as client:
        for _ in client.messages.create(**HELLO, stream=True):
            pass
        with client.messages.stream(**HELLO) as stream:
            stream.until_done()
    provider.shutdown()

    assert total(scrape(agent), CALLS) == 2
    assert tokens(agent) == {"input": 18, "output": 56}


def test_the_methods_look_as_before_and_are_given_back():
    owners = (Messages, AsyncMessages, AsyncBetaMessages)
    names = ("create", "stream", "parse", "count_tokens")
    before = {(owner, name): vars(owner)[name] for owner in owners for name in names}
    signatures = {key: inspect.signature(method) for key, method in before.items()}
    instrument("anthropic")
    instrument("anthropic")

    for (owner, name), method in before.items():
        measured = vars(owner)[name]
        assert inspect.signature(measured) == signatures[(owner, name)]
        assert inspect.iscoroutinefunction(measured) == inspect.iscoroutinefunction(method)
        assert (measured is method) == (name == "count_tokens")
    uninstrument("anthropic")
    assert {key: vars(key[0])[key[1]] for key in before} == before


def test_without_an_agent_the_client_goes_on_unmeasured(make_agent):
    stopped = make_agent()
    instrument("anthropic")
    try:
        with claude(200, MESSAGE) as client:
            assert client.messages.create(**HELLO).usage.output_tokens == 28
    finally:
        uninstrument("anthropic")

    stopped.start()
    assert total(scrape(stopped), CALLS) == 0
