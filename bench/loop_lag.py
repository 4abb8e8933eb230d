"""How late an asyncio agent's event loop wakes up, with and without the exporter being scraped."""

import gzip
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
# What the promise speaks of.
FEWEST_SERIES = 2000

# More than may be set: at the largest limit, 2,000, no page is that full, since room is set aside
# for what this agent never does.
AGENT = """
import asyncio, json, sys, time

async def lags(seconds):
    found, end = [], time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        await asyncio.sleep(0.005)
        found.append(time.perf_counter() - now - 0.005)
    return sorted(found)

def work(agent, name, documents, pages):
    with agent.task(), agent.llm_call("openai", name) as call:
        call.first_chunk()
        call.usage(input_tokens=9, output_tokens=3)
    with agent.tool(name), agent.api_call(name) as outbound:
        outbound.status(200)
    agent.evaluation(name, 0.5)
    documents.labels(kind=name).inc()
    pages.labels(kind=name).observe(3)

address = None
if sys.argv[1] == "with":
    from pulseguard import Agent, settings
    settings.LARGEST_LIMIT = 3000
    agent = Agent("bench", metrics_port=0, detail="standard", series_limit=3000)
    documents = agent.counter("documents_total", labels=("kind",), max_label_sets=200)
    pages = agent.histogram("pages", labels=("kind",), max_label_sets=60)
    agent.start()
    for number in range(400):
        work(agent, f"name-{number}", documents, pages)
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
        of = f"asyncio's {name} lag, {rounds[0][1][2]} series scraped every 5 s"
        yield Amount(f"growth of {of}", "ms", growth, limit)


def _lags(exporter: str) -> tuple[float, float, int]:
    """The 99th percentile and the worst lag, in seconds, and how many series were scraped."""
    command = [sys.executable, "-c", AGENT, exporter, str(SECONDS)]
    series = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as agent:
        assert agent.stdout
        address = json.loads(agent.stdout.readline())
        while address and agent.poll() is None:
            series = max(series, _scrape(address))
            time.sleep(SCRAPE_EVERY_SECONDS)
        p99, worst = json.loads(agent.stdout.readline())
    assert not address or series >= FEWEST_SERIES, f"a page of {series} series is too small"
    return p99, worst, series


def _scrape(address: str) -> int:
    """How many samples are on the page; 0 where there is none any more."""
    headers = {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    request = urllib.request.Request(f"http://{address}/metrics", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            page = gzip.decompress(response.read())
    except OSError:
        # It has just ended.
        return 0
    return sum(not line.startswith(b"#") for line in page.splitlines())
