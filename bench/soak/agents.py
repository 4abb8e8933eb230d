"""Simulated agents, hundreds in one process: each registers, beats and is scraped as a real one.

A program: what it is told is one line of JSON on its input; it writes one once all are registered,
and one with its ledger when its input ends.
"""

import asyncio
import json
import math
import os
import sys
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bench.requests import SNAPSHOT
from bench.soak.exposition import Exposition, exposition

ENVIRONMENT = "simulated"
ANSWER_SECONDS = 7.0
AT_ONCE = 8
# Between two tries to register.
PAUSE_SECONDS = 0.5
REGISTERED_SECONDS = 120


@dataclass(frozen=True)
class Told:
    """The registry with a key of role agent, how many agents, and where they are scraped."""

    url: str
    key: str
    agents: int
    host: str
    # As the exporter has them.
    heartbeat_seconds: float = 15.0
    snapshot_seconds: float = 60.0

    def as_line(self) -> str:
        """What the program reads; the key must not stand on its command line."""
        return json.dumps(asdict(self)) + "\n"


class Calls:
    """Requests to the registry, each on a connection of its own, as the exporter has them."""

    def __init__(self, told: Told) -> None:
        self.refused: Counter[str] = Counter()
        self.last_refusal = ""
        self.beat_at, self.beat_seconds = array("d"), array("d")
        address = urlsplit(told.url)
        self._host, self._port = address.hostname, address.port
        self._key = told.key

    async def beat(self, agent_id: str, body: Mapping[str, object]) -> bool:
        """Whether the heartbeat was acknowledged; how long that took is noted."""
        began = time.monotonic()
        answer = await self.post(f"agents/{agent_id}/heartbeat", body)
        ended = time.monotonic()
        self.beat_at.append(ended)
        self.beat_seconds.append(ended - began)
        return answer is not None

    async def post(self, path: str, body: Mapping[str, object]) -> Any:
        """What is answered; None where it was refused or did not come, which is counted."""
        try:
            status, content = await asyncio.wait_for(self._post(path, body), ANSWER_SECONDS)
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            self.refused[type(error).__name__] += 1
            self.last_refusal = f"{path}: {type(error).__name__} {error}"
            return None
        if status not in (200, 201):
            self.refused[str(status)] += 1
            self.last_refusal = f"{path}: {status} {content.decode()[:300]}"
            return None
        return json.loads(content)

    async def _post(self, path: str, body: Mapping[str, object]) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            content = json.dumps(body).encode()
            head = (
                f"POST /api/v1/{path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
                f"Authorization: Bearer {self._key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + content)
            answer = await reader.read()
        finally:
            writer.close()
        head_bytes, _, rest = answer.partition(b"\r\n\r\n")
        return int(head_bytes.split(b" ", 2)[1]), rest


class SimulatedAgent:
    """One of them: what it shows is the page of all, each at another time of its work."""

    def __init__(self, number: int, calls: Calls, shown: Exposition) -> None:
        self.number = number
        self.agent_id = ""
        self.acknowledged = self.scrapes = 0
        # Taken, and not acknowledged yet: sent until they are.
        self.waiting: list[Mapping[str, object]] = []
        self._calls = calls
        self._shown = shown
        self._began = time.monotonic() - 10 * number
        self._address = ""

    async def listen(self, host: str) -> None:
        """Be scraped at a port of its own."""
        server = await asyncio.start_server(self._answer, host, 0)
        self._address = f"{host}:{server.sockets[0].getsockname()[1]}"

    async def register(self) -> None:
        """Until the registry takes it."""
        said = {
            **{"name": f"simulated-{self.number}", "instance": "0", "environment": ENVIRONMENT},
            **{"team": f"team-{self.number % 10}", "description": "simulated, for a load test"},
            "metrics_address": self._address,
        }
        while (answer := await self._calls.post("agents", said)) is None:
            await asyncio.sleep(PAUSE_SECONDS)
        self.agent_id = answer["id"]

    async def work(self, share: float, told: Told) -> None:
        """Beat for ever; `share` (0 to 1) of the period is when it begins."""
        due = time.monotonic() + share * told.heartbeat_seconds
        next_snapshot = due
        while True:
            await asyncio.sleep(due - time.monotonic())
            if due >= next_snapshot:
                self.waiting.append(_snapshot())
                next_snapshot += told.snapshot_seconds
            await self._beat()
            due = max(due + told.heartbeat_seconds, time.monotonic())

    async def _beat(self) -> None:
        process = f"simulated:{self.number}:9f86d081884c"
        body: dict[str, object] = {"state": "working", "goodbye": False, "process": process}
        if self.waiting:
            body["snapshot"] = self.waiting[0]
        if await self._calls.beat(self.agent_id, body) and self.waiting:
            del self.waiting[0]
            self.acknowledged += 1

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_SECONDS)
            writer.write(self._page(head))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    def _page(self, head: bytes) -> bytes:
        # Whom a scrape is meant for, as the exporter wants it.
        if f"agent_id={self.agent_id}".encode() not in head.partition(b"\r\n")[0]:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.scrapes += 1
        body = self._shown.page(time.monotonic() - self._began, time.time())
        told = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {self._shown.content_type}\r\n"
            f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return told.encode() + body


def _snapshot() -> Mapping[str, object]:
    return {"taken_at": datetime.now(UTC).isoformat(), **SNAPSHOT}


async def run(told: Told) -> None:
    """All of them, until the input ends."""
    calls, shown = Calls(told), exposition()
    agents = [SimulatedAgent(number, calls, shown) for number in range(told.agents)]
    for agent in agents:
        await agent.listen(told.host)
    try:
        await asyncio.wait_for(_register(agents), REGISTERED_SECONDS)
    except TimeoutError:
        sys.exit(f"agents were not registered: {calls.last_refusal}")
    _say({"samples": shown.samples, "ids": [agent.agent_id for agent in agents]})
    work = [
        asyncio.create_task(agent.work(agent.number / len(agents), told), name=agent.agent_id)
        for agent in agents
    ]
    await asyncio.to_thread(sys.stdin.read)
    ended = [task.get_name() for task in work if task.done()]
    for task in work:
        task.cancel()
    _say({**_ledger(agents, calls), "ended": ended})
    # Scrapes under way are answered no more: to end them in good order is of no use to anybody.
    os._exit(0)


async def _register(agents: Sequence[SimulatedAgent]) -> None:
    for first in range(0, len(agents), AT_ONCE):
        some = agents[first : first + AT_ONCE]
        await asyncio.gather(*(agent.register() for agent in some))


def _ledger(agents: Sequence[SimulatedAgent], calls: Calls) -> Mapping[str, object]:
    seconds = sorted(calls.beat_seconds) or [0.0]
    return {
        "acknowledged": {agent.agent_id: agent.acknowledged for agent in agents},
        "waiting": sum(len(agent.waiting) for agent in agents),
        "refused": dict(calls.refused),
        "last_refusal": calls.last_refusal,
        "scrapes": sum(agent.scrapes for agent in agents),
        "beats": len(calls.beat_seconds),
        "p50": seconds[len(seconds) // 2],
        "p99": seconds[math.ceil(0.99 * len(seconds)) - 1],
        "slowest": seconds[-1],
    }


def _say(said: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(Told(**json.loads(sys.stdin.readline()))))
