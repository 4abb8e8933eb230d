"""What a simulated agent shows to a scrape: a page of the real exporter, whose numbers go on."""

import gzip
import re
from typing import NamedTuple

from bench.scrape import ACCEPT
from pulseguard import Agent
from pulseguard.scraping.answer import Answering

HEAD = f"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {ACCEPT}".encode()
MODELS = ("gpt-4o", "gpt-4o-mini")
TOOLS = ("search", "fetch", "calculate")
# As often as it is scraped, an agent has done once more what the page tells.
TURN_SECONDS = 10.0


class Line(NamedTuple):
    """A sample: what stands before its value, and the value, which rises, is a time, or stays."""

    series: str
    value: float
    rises: bool
    is_time: bool


class Exposition:
    """The page of one agent at any time; those of all agents tell the same, at other times."""

    def __init__(self, page: str, content_type: str) -> None:
        self.content_type = content_type
        self._lines: list[Line | str] = []
        kinds: dict[str, str] = {}
        for text in page.splitlines():
            if declared := re.match(r"# TYPE (\S+) (\S+)", text):
                kinds[declared[1]] = declared[2]
            self._lines.append(text if text.startswith("#") else _line(text, kinds))

    @property
    def samples(self) -> int:
        """How many there are on the page."""
        return sum(isinstance(line, Line) for line in self._lines)

    def page(self, seconds: float, now: float) -> bytes:
        """The page after so many seconds of work, packed as the exporter packs it."""
        turns = 1 + int(seconds / TURN_SECONDS)
        shown = (
            line if isinstance(line, str) else _shown(line, turns, now) for line in self._lines
        )
        return gzip.compress(("\n".join(shown) + "\n").encode(), 1)


def _shown(line: Line, turns: int, now: float) -> str:
    value = now if line.is_time else line.value * turns if line.rises else line.value
    return f"{line.series} {value}"


def _line(text: str, kinds: dict[str, str]) -> Line:
    series, value = text.rsplit(" ", 1)
    name = series.partition("{")[0]
    family = re.sub(r"_(total|bucket|count|sum)$", "", name)
    rises = kinds.get(family) in ("counter", "histogram")
    return Line(series, float(value), rises, not rises and name.endswith("_timestamp_seconds"))


def exposition() -> Exposition:
    """That of an agent of the default profile, which uses two models and three tools."""
    agent = Agent("simulated", metrics_port=0, strict=True)
    for model in MODELS:
        with agent.task(), agent.llm_call("openai", model) as call:
            call.first_chunk()
            call.usage(input_tokens=812, output_tokens=164, cache_read_tokens=100)
    for tool in TOOLS:
        with agent.tool(tool):
            pass
    for name in ("accuracy", "confidence"):
        agent.evaluation(name, 0.9)
    answer = Answering(agent._exporter._collection.read, agent._recorder.series)(HEAD).content
    agent.stop()
    head, _, page = answer.partition(b"\r\n\r\n")
    (content_type,) = re.findall(rb"Content-Type: ([^\r]+)", head)
    return Exposition(page.decode(), content_type.decode())
