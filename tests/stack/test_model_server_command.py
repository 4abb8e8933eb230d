"""Starting and stopping the simulated model server, and what it says of itself."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.request

import openai
import pytest

from pulseguard_stack.model_server.command import main
from tests.stack.conftest import AT_ONCE


def test_it_says_everywhere_that_it_is_a_simulation(server):
    with urllib.request.urlopen(server.url, timeout=5) as answer:
        about, headers = json.load(answer), answer.headers

    assert "SIMULATION" in server.first_line
    assert server.first_line.rstrip().endswith("seed 0")
    assert headers["Server"] == "pulseguard-simulated-model-server"
    assert about["simulation"] is True
    assert "no model behind it" in about["about"]


def test_every_answer_carries_the_name_of_the_simulation(client):
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hello."}]
    )

    assert raw.headers["server"] == "pulseguard-simulated-model-server"


def test_the_models_belong_to_the_simulation(client):
    models = list(client.models.list())

    assert [model.id for model in models] == [
        *("gpt-4o", "gpt-4o-mini", "o4-mini"),
        *("claude-sonnet-5", "text-embedding-3-small"),
    ]
    assert {model.owned_by for model in models} == {"pulseguard-simulation"}
    assert client.models.retrieve("o4-mini").id == "o4-mini"


def test_it_is_healthy(server):
    assert server.get("/healthz")["status"] == "ok"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_within_a_second_and_closes_the_ledger(start_server, tmp_path, number):
    path = tmp_path / "ledger.jsonl"
    server = start_server("--ledger", str(path), "--token-median", "5")
    calls = [threading.Thread(target=lost_call, args=(server, word)) for word in ("timeout", "ok")]
    for call in calls:
        call.start()
    deadline = time.monotonic() + 5
    while server.get("/ledger")["open"] < 2:
        assert time.monotonic() < deadline

    started = time.monotonic()
    server.process.send_signal(number)

    assert server.process.wait(timeout=5) == 0
    assert time.monotonic() - started < 1
    for call in calls:
        call.join()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert {row["call"]: row["outcome"] for row in rows} == {"timeout": "timeout", "ok": "cut"}


def lost_call(server, word):
    headers = {"X-Simulate": word, "X-Call-Id": word}
    with server.client(max_retries=0) as client, pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hello."}], extra_headers=headers
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate-429", "0.7", "--rate-500", "0.7"],
        ["--speed", "0"],
        ["--token-median", "nan"],
        ["--right-share", "2"],
        ["--model", "m:large"],
        ["--stall-seconds", "-1"],
        ["--ledger", "/nowhere/ledger.jsonl"],
        ["--cache-block", "0"],
        ["--port", "99999"],
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(arguments, capsys):
    assert main(["--port", "0", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_taken_port_stops_the_start_with_one_line(server, capsys):
    port = server.url.rsplit(":", 1)[1]

    assert main([*AT_ONCE, "--port", port]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
