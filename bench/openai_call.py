"""What one call of the openai client costs more when it is instrumented: CPU, no network."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx2
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

import pulseguard
from bench.rounds import ROUNDS, Amount, Comparison, Result, seconds_of
from pulseguard import Agent

TIMES = 100
CHUNKS = 200
QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Name a colour."}]
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def run() -> Iterator[Result]:
    """Microseconds added to a plain call, beside those of a peer, and to a streamed chunk."""
    client = OpenAI(api_key="none", http_client=_answers_itself(), max_retries=0)

    def plain() -> None:
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)

    def streamed() -> None:
        for _ in client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True):
            pass

    # First alone: once OpenTelemetry is loaded each call is asked for its trace as well.
    (calls,) = _added(plain, TIMES, _ours)
    (streams,) = _added(streamed, 10, _ours)
    yield Amount("added to an openai call", "us", calls, 60.0)
    # Of the best peer a quarter: a machine may be slow, both are.
    ours, peers = _added(plain, TIMES, _ours, _theirs)
    yield Comparison("the same", "us", ours, peers, "OpenTelemetry's instrumentation", 0.25)
    chunks = [(stream - call) / CHUNKS for stream, call in zip(streams, calls, strict=True)]
    yield Amount("added to a streamed chunk", "us", chunks, 10.0)


def _added(
    work: Callable[[], object], times: int, *instrumented: Callable[[], ExitStack]
) -> list[list[float]]:
    """What each makes it cost more, in microseconds, round by round: without and with, in turn."""
    seconds_of(work, times)
    added: list[list[float]] = [[] for _ in instrumented]
    for _ in range(ROUNDS):
        without = seconds_of(work, times)
        for instrument, found in zip(instrumented, added, strict=True):
            with instrument():
                # What is made at the first call of each model is not what a call costs.
                seconds_of(work, times // 5)
                found.append((seconds_of(work, times) - without) * 1e6)
    return added


def _ours() -> ExitStack:
    undo = ExitStack()
    agent = Agent("bench", metrics_port=0, strict=True)
    pulseguard.instrument("openai", agent=agent, strict=True)
    undo.callback(pulseguard.uninstrument, "openai")
    return undo


def _theirs() -> ExitStack:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    undo = ExitStack()
    instrumentor = OpenAIInstrumentor()
    meters = MeterProvider([InMemoryMetricReader()])
    instrumentor.instrument(meter_provider=meters, tracer_provider=TracerProvider())
    undo.callback(instrumentor.uninstrument)
    return undo


def _answers_itself() -> httpx2.Client:
    message = {"role": "assistant", "content": "Green."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    base = {"id": "c", "created": 1, "model": "gpt-4o"}
    plain = {**base, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    part = {"index": 0, "delta": {"content": "Green. "}, "finish_reason": None}
    chunk = {**base, "object": "chat.completion.chunk", "choices": [part]}
    last = {**chunk, "choices": [], "usage": USAGE}
    events = [*[json.dumps(chunk)] * CHUNKS, json.dumps(last), "[DONE]"]
    stream = "".join(f"data: {event}\n\n" for event in events).encode()
    whole = json.dumps(plain).encode()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if b'"stream":true' in request.content.replace(b" ", b""):
            headers = {"content-type": "text/event-stream"}
            return httpx2.Response(200, headers=headers, content=stream)
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=whole)

    return httpx2.Client(transport=httpx2.MockTransport(answer))
