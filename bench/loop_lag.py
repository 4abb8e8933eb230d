"""How late an asyncio agent's event loop wakes up, with and without the exporter being scraped."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from bench.rounds import Amount, Result

ROUNDS = 2
SECONDS = 20.0
SCRAPE_EVERY_SECONDS = 5.0

AGENT = """
import asyncio, json, sys, time

async def lags(seconds):
    found, end = [], time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        await asyncio.sleep(0.005)
        found.append(time.perf_counter() - now - 0.005)
    return sorted(found)

address = None
if sys.argv[1] == "with":
    from pulseguard import Agent
    agent = Agent("bench", metrics_port=0, detail="standard", series_limit=2000)
    agent.start()
    for number in range(400):
        for name in (f"model-{number}", f"tool-{number}"):
            with agent.llm_call("openai", name) as call:
                call.first_chunk()
                call.usage(input_tokens=9, output_tokens=3)
            with agent.tool(name):
                pass
    address = agent.metrics_address
print(json.dumps(address), flush=True)
found = asyncio.run(lags(float(sys.argv[2])))
print(json.dumps([found[int(len(found) * 0.99)], found[-1]]))
"""


def run() -> Iterator[Result]:
    """The growth of the 99th percentile and of the worst lag, in milliseconds."""
    rounds = [(_lags("without"), _lags("with")) for _ in range(ROUNDS)]
    for position, name, limit in ((0, "p99", 5.0), (1, "worst", None)):
        growth = [(after[position] - before[position]) * 1e3 for before, after in rounds]
        yield Amount(f"growth of asyncio's {name} lag, scraped every 5 s", "ms", growth, limit)


def _lags(exporter: str) -> tuple[float, float]:
    """The 99th percentile and the worst lag, in seconds."""
    command = [sys.executable, "-c", AGENT, exporter, str(SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as agent:
        assert agent.stdout
        address = json.loads(agent.stdout.readline())
        while address and agent.poll() is None:
            _scrape(address)
            time.sleep(SCRAPE_EVERY_SECONDS)
        p99, worst = json.loads(agent.stdout.readline())
    return p99, worst


def _scrape(address: str) -> None:
    headers = {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    request = urllib.request.Request(f"http://{address}/metrics", headers=headers)
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except OSError:
        # It has just ended.
        return
