"""Sends heartbeats over HTTP, fast enough not to be the limit: a program that tells what it saw.

python -m bench.http_load '{"port": 8000, "key": "pg_agent_…", "agents": ["…"], …}'
"""

import asyncio
import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import uvloop

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
LAST_ANSWER_SECONDS = 30.0
_BEAT = '"state": "working", "process": "web-1:4711:9f86d081884c"'
# One that says all there is to say.
SNAPSHOT = (
    '{"taken_at": "<taken_at>", "interval_seconds": 60.0, "model_inference_time_ms": 812.5,'
    ' "model_inference_time_p95_ms": 1604.2, "model_accuracy": 0.91, "confidence_score": 0.87,'
    ' "tokens_processed": 48211, "tokens_per_second": 61.3, "context_length": 8123,'
    ' "api_calls_made": 212, "api_call_latency_ms": 640.1, "api_call_latency_p95_ms": 1500.7,'
    ' "model_calls": 187, "tokens": {"input": 30111, "cache_read": 9000, "cache_write": 100,'
    ' "output": 8000, "reasoning": 1000}, "model_errors": {"timeout": 2}, "tasks_completed": 12,'
    ' "tasks_failed": 1, "tasks_pending": 3}'
)


@dataclass(frozen=True)
class Load:
    """Who calls, how often, for how long.

    `bulk` heartbeats a request (0: the route of one agent), `rate` requests a second (0: each
    client calls again as soon as it is answered).
    """

    port: int
    key: str
    agents: Sequence[str]
    clients: int = 64
    seconds: float = 4.0
    bulk: int = 0
    rate: float = 0

    def as_json(self) -> str:
        """What the program reads; the key must not stand on its command line."""
        return json.dumps(asdict(self))


class Client(asyncio.Protocol):
    """One connection, one request at a time; the next answer is due to whoever asked first."""

    def __init__(self, load: "Running", requests: Iterator[bytes]) -> None:
        self._load = load
        self._requests = requests
        self._answer = b""
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of where to write."""
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, due: float) -> None:
        """Send a request that was due at this time."""
        self._asked_at = due
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """Hand over the answer once it is whole."""
        self._answer += data
        head, _, body = self._answer.partition(HEAD_END)
        _, told, length = head.lower().partition(LENGTH)
        if not told or len(body) < int(length.split(b"\r", 1)[0]):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            sys.exit(self._answer.decode())
        self._answer = b""
        self._load.answered(self, time.perf_counter() - self._asked_at)


class Running:
    """The clients at work, and how long each answer took in seconds."""

    def __init__(self, load: Load) -> None:
        self.seconds: list[float] = []
        self._load = load
        self._free: deque[Client] = deque()
        self._due: deque[float] = deque()
        self._is_over = False
        self._due_in_all = 0
        self._all_answered = asyncio.Event()

    async def run(self) -> float:
        """Returns the seconds it lasted."""
        loop = asyncio.get_running_loop()
        for index in range(self._load.clients):
            requests = _requests(self._load, index)
            _, client = await loop.create_connection(
                lambda requests=requests: Client(self, requests),  # type: ignore[misc]
                "127.0.0.1",
                self._load.port,
            )
            self._free.append(client)
        began = time.perf_counter()
        if self._load.rate:
            await self._keep_pace(began)
        else:
            for _ in range(self._load.clients):
                self._free.popleft().ask(time.perf_counter())
            await asyncio.sleep(self._load.seconds)
        self._is_over = True
        return time.perf_counter() - began

    def answered(self, client: Client, seconds: float) -> None:
        """One answer; the client may be asked to go on."""
        if self._is_over:
            return
        self.seconds.append(seconds)
        if len(self.seconds) == self._due_in_all:
            self._all_answered.set()
        if not self._load.rate:
            client.ask(time.perf_counter())
        elif self._due:
            client.ask(self._due.popleft())
        else:
            self._free.append(client)

    async def _keep_pace(self, began: float) -> None:
        """Each request is due at its time, whether or not those before it were answered; the last
        ones are waited for, as late as they are."""
        self._due_in_all = int(self._load.seconds * self._load.rate)
        for number in range(self._due_in_all):
            due = began + number / self._load.rate
            await asyncio.sleep(due - time.perf_counter())
            if self._free:
                self._free.popleft().ask(due)
            else:
                self._due.append(due)
        await asyncio.wait_for(self._all_answered.wait(), LAST_ANSWER_SECONDS)


def _requests(load: Load, index: int) -> Iterator[bytes]:
    """The requests of one client, which has agents of its own."""
    agents = itertools.cycle(load.agents[index :: load.clients])
    taken = (datetime.now(UTC) + timedelta(milliseconds=number) for number in itertools.count())
    for agent in agents:
        if not load.bulk:
            path = f"agents/{agent}/heartbeat"
            yield _request(load, path, f'{{{_BEAT}, "snapshot": {_one(next(taken))}}}')
            continue
        several = zip(itertools.chain([agent], agents), taken, strict=False)
        beats = (
            f'{{"agent_id": "{each}", {_BEAT}, "snapshot": {_one(at)}}}'
            for each, at in itertools.islice(several, load.bulk)
        )
        yield _request(load, "heartbeats", f'{{"heartbeats": [{", ".join(beats)}]}}')


def _one(taken_at: datetime) -> str:
    return SNAPSHOT.replace("<taken_at>", taken_at.isoformat())


def _request(load: Load, path: str, body: str) -> bytes:
    return (
        f"POST /api/v1/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {load.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def main() -> None:
    """Run the load that is read; write the answers a second and the seconds of each, as JSON."""
    running = Running(Load(**json.load(sys.stdin)))
    lasted = uvloop.run(running.run())
    told = {"rate": len(running.seconds) / lasted, "seconds": sorted(running.seconds)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
