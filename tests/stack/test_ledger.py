"""The ledger tells, attempt by attempt, what the real client saw."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import openai
import pytest
from openai import OpenAI

from pulseguard_stack.model_server.ledger import Tokens, entry_from_json, summarize
from tests.stack.conftest import AT_ONCE, ModelServer

HELLO: Any = [{"role": "user", "content": "Tell me something."}]
LONG = [{"role": "user", "content": "A long text about ships and harbours. " * 300}]
TOOLS = [{"type": "function", "function": {"name": "search"}}]


def ask(
    client: OpenAI,
    call: str,
    simulate: str = "",
    model: str = "gpt-4o",
    messages: Any = HELLO,
    **parameters: Any,
) -> Any:
    headers = {"X-Call-Id": call} | ({"X-Simulate": simulate} if simulate else {})
    return client.chat.completions.create(
        model=model, messages=messages, extra_headers=headers, **parameters
    )


def outcomes(server: ModelServer, call: str) -> list[tuple[int, str]]:
    return [(entry.attempt, entry.outcome) for entry in server.entries(call)]


@pytest.mark.parametrize(("word", "outcome"), [("429*2", "rate_limit"), ("500*2", "server_error")])
def test_a_retried_call_is_one_call_with_its_attempts(server, word, outcome):
    with server.client(max_retries=2) as client:
        ask(client, word, word)

    assert outcomes(server, word) == [(0, outcome), (1, outcome), (2, "ok")]
    totals = summarize(server.entries(word))["gpt-4o"]
    assert (totals.calls, totals.attempts, totals.errors) == (1, 3, {})


def test_exhausted_retries_are_one_error_of_the_call(server):
    with server.client(max_retries=1) as client, pytest.raises(openai.RateLimitError):
        ask(client, "exhausted", "429")

    assert summarize(server.entries("exhausted"))["gpt-4o"].errors == {"rate_limit": 1}


def test_the_client_is_told_how_long_to_wait(server):
    with server.client(max_retries=0) as client, pytest.raises(openai.RateLimitError) as refused:
        ask(client, "wait", "429")

    assert refused.value.response.headers["retry-after-ms"] == "5"


@pytest.mark.parametrize("stream", [False, True])
def test_a_stalled_attempt_is_a_timeout_once_the_client_has_gone(server, stream):
    call = f"stalled {stream}"
    with (
        server.client(max_retries=0, timeout=0.2) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        ask(client, call, "timeout", stream=stream)

    (entry,) = server.entries(call)
    assert (entry.outcome, entry.status, entry.tokens) == ("timeout", None, Tokens())
    assert 0.15 < entry.last_byte_at - entry.received_at < 1


def test_a_client_that_outlasts_the_stall_gets_a_504(start_server):
    server = start_server("--stall-seconds", "0.1")
    with server.client(max_retries=0) as client, pytest.raises(openai.InternalServerError) as late:
        ask(client, "patient", "timeout")

    assert late.value.status_code == 504
    assert outcomes(server, "patient") == [(0, "timeout")]


def test_a_cut_answer_is_a_network_error(server, client):
    with pytest.raises(openai.APIConnectionError):
        ask(client, "cut plain", "cut")
    received = []
    stream = ask(client, "cut stream", "cut", stream=True)
    with pytest.raises(openai.APIConnectionError):
        received.extend(stream)

    entries = server.entries("cut plain") + server.entries("cut stream")
    text = [chunk for chunk in received if chunk.choices[0].delta.content]
    assert [(entry.outcome, entry.tokens) for entry in entries] == [("cut", Tokens())] * 2
    assert entries[1].output_tokens_sent == len(text) > 0
    assert summarize(entries)["gpt-4o"].errors == {"network": 2}


def test_a_dropped_stream_is_noticed_at_once_and_has_no_usage(start_server):
    server = start_server("--first-token-median", "0.01", "--token-median", "0.1")
    with server.client() as client:
        started = time.time()
        stream = ask(client, "drop", stream=True, stream_options={"include_usage": True})
        next(stream)
        next(stream)
        stream.close()

    (entry,) = server.entries("drop")
    assert entry.outcome == "client_dropped"
    assert entry.tokens == Tokens()
    assert entry.output_tokens_sent in (1, 2)
    assert entry.last_byte_at - started < 1
    assert summarize([entry])["gpt-4o"].errors == {}


def test_a_faulty_request_is_on_the_ledger_under_its_model(server, client):
    with pytest.raises(openai.BadRequestError):
        ask(client, "faulty", messages=[])

    assert [(e.outcome, e.status, e.model) for e in server.entries("faulty")] == [
        ("bad_request", 400, "gpt-4o")
    ]


def usage_seen(client: OpenAI, number: int) -> Tokens:
    """One call of a mix; the tokens in the usage object that the client saw, if it saw one."""
    luck = Random(number)
    parameters: dict[str, Any] = {
        "model": luck.choice(["gpt-4o", "gpt-4o-mini", "o4-mini"]),
        "messages": luck.choice([HELLO, LONG]),
        "simulate": luck.choice(["ok", "ok", "429*1", "500*2", "cut", "401", "429"]),
    }
    if luck.random() < 0.3:
        parameters["tools"] = TOOLS
    if luck.random() < 0.5:
        parameters |= {"stream": True, "stream_options": {"include_usage": luck.random() < 0.8}}
    try:
        answer = ask(client, f"mix {number}", **parameters)
        last = list(answer)[-1] if "stream" in parameters else answer
    except openai.APIError:
        return Tokens()
    return tokens_of(last.usage) if last.usage else Tokens()


def tokens_of(usage: Any) -> Tokens:
    cached = usage.prompt_tokens_details.cached_tokens
    reasoning = usage.completion_tokens_details.reasoning_tokens
    return Tokens(
        input=usage.prompt_tokens - cached,
        cache_read=cached,
        output=usage.completion_tokens - reasoning,
        reasoning=reasoning,
    )


def test_the_ledger_equals_what_the_clients_of_a_mixed_load_saw(start_server):
    server = start_server(*AT_ONCE)
    with server.client(max_retries=2) as client, ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda number: usage_seen(client, number), range(100)))

    server.entries("")
    entries = [entry_from_json(row) for row in server.get("/ledger")["entries"]]
    by_call = {number: Tokens() for number in range(100)}
    for entry in entries:
        by_call[int(entry.call.removeprefix("mix "))] += entry.tokens
    assert [by_call[number] for number in range(100)] == seen
    totals = summarize(entries).values()
    assert sum(total.calls for total in totals) == 100
    total = sum((total.tokens for total in totals), Tokens())
    assert min(total.input, total.cache_read, total.output, total.reasoning) > 0


def outcomes_by_call(server: ModelServer, count: int = 60) -> dict[str, tuple[str, int]]:
    with server.client(max_retries=0, timeout=0.5) as client, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: try_to_ask(client, f"call {number}"), range(count)))
    server.entries("")
    rows = server.get("/ledger")["entries"]
    return {row["call"]: (row["outcome"], row["output_tokens_sent"]) for row in rows}


def try_to_ask(client: OpenAI, call: str) -> None:
    try:
        ask(client, call)
    except openai.APIError:
        return


def test_a_seed_decides_every_outcome_whatever_the_order(start_server):
    faults = (
        "--rate-429",
        "0.2",
        "--rate-500",
        "0.2",
        "--rate-cut",
        "0.1",
        "--rate-timeout",
        "0.1",
    )
    first, again, other = (
        outcomes_by_call(start_server(*AT_ONCE, *faults, "--seed", seed)) for seed in "778"
    )

    assert first == again
    assert first != other
    assert {outcome for outcome, _ in first.values()} == {
        "ok", "rate_limit", "server_error", "cut", "timeout",
    }  # fmt: skip


def test_without_call_ids_the_order_of_arrival_decides(start_server):
    def texts(seed: str) -> list[str | None]:
        with start_server(*AT_ONCE, "--seed", seed).client() as client:
            create = client.chat.completions.create
            answers = [create(model="gpt-4o", messages=HELLO) for _ in range(5)]
        return [answer.choices[0].message.content for answer in answers]

    assert texts("7") == texts("7") != texts("8")


def test_the_ledger_is_bounded_paged_and_written_to_its_file(start_server, tmp_path):
    path = tmp_path / "ledger.jsonl"
    server = start_server(*AT_ONCE, "--ledger", str(path), "--ledger-entries", "3")
    with server.client() as client:
        for number in range(5):
            ask(client, str(number))
    server.entries("")

    page = server.get("/ledger?after=3&limit=1")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["sequence"] for row in page["entries"]] == [4]
    assert (page["forgotten"], page["open"]) == (2, 0)
    assert [line["call"] for line in lines] == ["0", "1", "2", "3", "4"]
    assert server.get("/ledger?after=5")["entries"] == []
    assert server.get("/ledger")["entries"] == lines[2:]


def test_the_summary_page_says_what_the_function_says(start_server):
    server = start_server(*AT_ONCE)
    with server.client(max_retries=0) as client:
        ask(client, "good")
        try_to_ask(client, "good too")
    totals = summarize(server.entries("good") + server.entries("good too"))["gpt-4o"]

    page = server.get("/ledger/summary")
    assert page["models"]["gpt-4o"]["calls"] == totals.calls == 2
    assert page["models"]["gpt-4o"]["mean_seconds"] == totals.mean_seconds
    assert page["models"]["gpt-4o"]["tokens"]["output"] == totals.tokens.output


def test_the_ledger_cannot_be_wiped(server, client):
    with pytest.raises(openai.APIStatusError) as refused:
        client.delete("/../ledger", cast_to=object)

    assert refused.value.status_code in (404, 405)


def test_tokens_leave_on_an_absolute_schedule_so_delays_do_not_add_up(start_server):
    pace = ("--first-token-median", "0.01", "--token-median", "0.0025", "--token-sigma", "0")
    server = start_server(*pace, "--first-token-sigma", "0")
    late = []
    with server.client() as client:
        for number in range(5):
            call = f"paced {number}"
            text = list(ask(client, call, stream=True))
            (entry,) = server.entries(call)
            due = 0.01 + 0.0025 * (entry.output_tokens_sent - 1)
            late.append(entry.last_byte_at - entry.received_at - due)
            assert len(text) > 10

    assert min(late) > -0.002
    assert sorted(late)[2] < 0.02


def test_the_ledger_times_a_call_as_the_client_does(start_server):
    server = start_server("--speed", "30")
    with server.client() as client:
        ask(client, "connect first")
        started = time.perf_counter()
        for number in range(20):
            ask(client, f"timed {number}")
        mean = (time.perf_counter() - started) / 20

    rows = server.get("/ledger")["entries"][1:]
    timed = summarize(entry_from_json(row) for row in rows)["gpt-4o"].mean_seconds
    assert timed is not None
    assert 0 < mean - timed < 0.02
