"""What the shipped rules cost Prometheus with a thousand agents, by what it tells of itself.

One agent in the default profile works, and Prometheus scrapes it under a thousand names, as long as
most windows of the rules are. That takes six minutes.
"""

import asyncio
import json
import shutil
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.fleet_hour import AGENTS, SCRAPE_SECONDS, TEAMS
from bench.rounds import Amount, Result
from bench.rule_loading import ITSELF, prometheus_in
from bench.scrape import HEAD
from pulseguard import Agent, catalog
from pulseguard.scraping.answer import Answering
from pulseguard_prometheus import configuration as shipped
from pulseguard_registry.agents.gauges import family

# The windows of most rules are 5 minutes.
SECONDS = 330
MODELS, TOOLS, EVALUATIONS = 2, 12, 3
NOBODY = "127.0.0.1:9"
# Of each group, how long it takes of the time until it is due again.
SHARE = (
    "avg_over_time(prometheus_rule_group_last_duration_seconds[1m])"
    " / prometheus_rule_group_interval_seconds"
)


class Fleet:
    """One agent at work; what it says is said by a thousand, and by the registry of them."""

    def __init__(self) -> None:
        self._agent = Agent("bench", metrics_port=0, strict=True)
        recorder = self._agent._recorder
        self._answering = Answering(self._agent._exporter._collection.read, recorder.series)
        self._work()
        self.page = self._answering(HEAD).content
        self.registry_page = _answer(_registry_text())

    async def listen(self) -> int:
        """Answer scrapes; on this port."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=AGENTS)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def go_on(self) -> None:
        """Work each second."""
        while True:
            await asyncio.sleep(1)
            self._work()
            self.page = self._answering(HEAD).content

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            writer.write(self.registry_page if b" /metrics/agents " in head else self.page)

    def _work(self) -> None:
        for number in range(MODELS):
            with self._agent.task(), self._agent.llm_call("openai", f"model-{number}") as call:
                call.first_chunk()
                call.usage(input_tokens=812, output_tokens=164, cache_read_tokens=100)
                call.context(window=128_000)
        for number in range(TOOLS):
            with self._agent.tool(f"tool-{number}"):
                pass
        for number in range(EVALUATIONS):
            self._agent.evaluation(f"evaluation-{number}", 0.9)


def run() -> Iterator[Result]:
    """The share of one processor that the rules take, and the whole of Prometheus."""
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-bench-"))
    with ExitStack() as parts:
        parts.callback(shutil.rmtree, folder)
        address = f"127.0.0.1:{parts.enter_context(_serving(Fleet()))}"
        configuration = _configuration(folder, address)
        url = parts.enter_context(
            prometheus_in(folder / "prometheus", configuration, folder / "data")
        )
        time.sleep(SECONDS)
        what = f"{AGENTS} agents, default profile"
        samples = _asked(url, 'sum(scrape_samples_scraped{job="agents"}) / ' + str(AGENTS))
        yield Amount(f"{what}: series of one", "", [samples])
        yield Amount(f"{what}: rules, of a processor", "%", [100 * _asked(url, f"sum({SHARE})")])
        yield Amount(
            f"{what}: slowest group, of its time", "%", [100 * _asked(url, f"max({SHARE})")]
        )
        busy = _asked(url, 'rate(process_cpu_seconds_total{job="prometheus"}[2m])')
        yield Amount(f"{what}: Prometheus, of a processor", "%", [100 * busy])
        memory = _asked(url, 'process_resident_memory_bytes{job="prometheus"}')
        yield Amount(f"{what}: Prometheus, memory", "MB", [memory / 1e6])


@contextmanager
def _serving(fleet: Fleet) -> Iterator[int]:
    """The port on which the fleet answers, in a thread of its own."""
    loop = asyncio.new_event_loop()
    port = loop.run_until_complete(fleet.listen())
    working = loop.create_task(fleet.go_on())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(working.cancel)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _configuration(folder: Path, address: str) -> str:
    """As it is shipped, for these addresses; rules, targets and a key are in the folder."""
    for name, text in shipped.shipped_rules().items():
        (folder / "rules").mkdir(exist_ok=True)
        (folder / "rules" / name).write_text(text)
    targets = [{"targets": [address], "labels": _labels(number)} for number in range(AGENTS)]
    (folder / "agents.json").write_text(json.dumps(targets))
    (folder / "key").write_text("nobody asks for it")
    text = shipped.render_configuration(
        shipped.shipped_configuration(),
        scrape_interval_seconds=SCRAPE_SECONDS,
        registry_address=address,
        alertmanager_address=NOBODY,
        prometheus_address=ITSELF,
    )
    for here, there in (
        ("rules/*.yml", "rules/*.yml"),
        ("targets/agents.json", "agents.json"),
        ("secrets/prometheus.key", "key"),
    ):
        text = text.replace(f" {here}", f" {folder / there}")
    return text


def _labels(number: int) -> dict[str, str]:
    return {
        "agent_id": f"{number:08d}-0000-4000-8000-000000000000",
        "agent": f"agent-{number // 10}",
        "instance": f"host-{number}",
        "agent_type": "LLM_AGENT",
        "environment": "production",
        "team": f"team-{number % TEAMS}",
    }


def _registry_text() -> str:
    """What the registry says of each: all online, seen now, and scraped."""
    of_each = [
        ",".join(f'{name}="{value}"' for name, value in _labels(number).items())
        for number in range(AGENTS)
    ]
    status = [f'{{{labels},status="ONLINE"}} 1' for labels in of_each]
    seen = [f"{{{labels}}} {time.time()}" for labels in of_each]
    scraped = [f"{{{labels}}} 1" for labels in of_each]
    return (
        family(catalog.AGENT_STATUS, status)
        + family(catalog.AGENT_LAST_SEEN, seen)
        + family(catalog.AGENT_SCRAPED, scraped)
    )


def _answer(text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _asked(url: str, expr: str) -> float:
    """The only value of an expression."""
    path = "/api/v1/query?" + urllib.parse.urlencode({"query": expr})
    with urllib.request.urlopen(url + path, timeout=60) as answer:
        (found,) = json.load(answer)["data"]["result"]
    return float(found["value"][1])
