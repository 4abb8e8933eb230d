"""How late an asyncio agent's event loop wakes up while it is scraped, beside one left alone."""

import gzip
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

from bench.rounds import Amount, Result

ROUNDS = 3
SCRAPES = 100
# Prometheus comes every 5 s; what the loop is late by while it is there does not depend on that.
SECONDS_BETWEEN_SCRAPES = 0.1
# What the promise speaks of.
FEWEST_SERIES = 2000

# More than may be set: at the largest limit, 2,000, no page is that full, since room is set aside
# for what this agent never does.
AGENT = """
import asyncio, json, sys, time
from array import array

async def wake(times):
    asyncio.get_running_loop().add_reader(sys.stdin, asyncio.current_task().cancel)
    try:
        while True:
            due = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            times.extend((due, time.perf_counter()))
    except asyncio.CancelledError:
        pass

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
    settings.LARGEST_LIMIT = 3100
    agent = Agent("bench", metrics_port=0, detail="standard", series_limit=3100)
    documents = agent.counter("documents_total", labels=("kind",), max_label_sets=200)
    pages = agent.histogram("pages", labels=("kind",), max_label_sets=60)
    agent.start()
    for number in range(400):
        work(agent, f"name-{number}", documents, pages)
    address = agent.metrics_address
print(json.dumps(address), flush=True)
times = array("d")  # nothing that the garbage collector would have to look through
asyncio.run(wake(times))
print(json.dumps(times.tolist()))
"""


def run() -> Iterator[Result]:
    """The growth of the 99th percentile, and of the worst, of what scrapes make the loop late by.

    Apart from the first, which imports what only a scrape needs.
    """
    rounds = [(_lags("without"), _lags("with")) for _ in range(ROUNDS)]
    series = rounds[0][1][1]
    alone, loaded = ([each[kind][0] for each in rounds] for kind in (0, 1))
    of = f"asyncio's lag within a scrape, {series} series"
    for share, name, limit in ((0.99, "p99", 5.0), (1.0, "worst", None)):
        growth = _at(share, loaded) - _at(share, alone)
        yield Amount(f"growth of {of}: {name}", "ms", [growth * 1e3], limit)
    yield Amount(f"{of}: the first", "ms", [lags[0] * 1e3 for lags in loaded])


def _at(share: float, rounds: list[list[float]]) -> float:
    lags = sorted(lag for lags in rounds for lag in lags[1:])
    return lags[int((len(lags) - 1) * share)]


def _lags(exporter: str) -> tuple[list[float], int]:
    """Of each scrape the longest time that the loop was late, and how many series there were."""
    command = [sys.executable, "-c", AGENT, exporter]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as agent:
        assert agent.stdin
        assert agent.stdout
        address = json.loads(agent.stdout.readline())
        scrapes, series = _scrapes(lambda: _scrape(address) if address else 0)
        agent.stdin.write(b"\n")
        agent.stdin.flush()
        times = json.loads(agent.stdout.readline())
    assert not address or series >= FEWEST_SERIES, f"a page of {series} series is too small"
    woken = list(zip(times[::2], times[1::2], strict=True))
    return [_latest(woken, began, ended) for began, ended in scrapes], series


def _scrapes(scrape: Callable[[], int]) -> tuple[list[tuple[float, float]], int]:
    """When each began and ended (the clock is that of all processes), and the smallest page."""
    found, series = [], sys.maxsize
    for _ in range(SCRAPES):
        time.sleep(SECONDS_BETWEEN_SCRAPES)
        began = time.perf_counter()
        series = min(series, scrape())
        # Who is left alone is looked at for as long as a scrape takes, too.
        found.append((began, max(time.perf_counter(), began + 0.01)))
    return found, series


def _latest(woken: list[tuple[float, float]], began: float, ended: float) -> float:
    return max((at - due for due, at in woken if at >= began and due <= ended), default=0.0)


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
