"""How the processes of a group end: with their last numbers, in time, with one goodbye."""

import os
import signal
import time

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Programs, wait_for_tasks
from tests.exporters.observing import wait_until

CHILD = """
agent = Agent("bot")
agent.start()
{before}
child = os.fork()
if child == 0:
    work(agent, 10)
    {after}
say(address=agent.metrics_address, child=child)
if {terminate}:
    time.sleep(0.3)
    os.kill(child, signal.SIGTERM)
began = time.monotonic()
status = os.waitpid(child, 0)[1]
say(status=status, seconds=time.monotonic() - began)
wait_for("end")
"""


@pytest.mark.parametrize(
    ("after", "terminate", "status"),
    [
        ("sys.exit(3)", False, 3 << 8),
        ("raise RuntimeError('the agent fails')", False, 1 << 8),
        ("raise KeyboardInterrupt", False, None),
        ("threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); sys.exit()", 0, 0),
        ("time.sleep(60)", True, signal.SIGTERM),
        ("time.sleep(1.5); os._exit(0)", False, 0),
    ],
)
def test_a_child_hands_in_its_last_numbers_whatever_ends_it(
    registry: FakeRegistry, programs: Programs, after: str, terminate: bool, status: int | None
) -> None:
    body = CHILD.format(before="", after=after, terminate=terminate)
    program = programs.start(body, PULSEGUARD_REGISTRY_URL=registry.url)
    address = program.said()["address"]
    told = program.said()

    wait_for_tasks(address, 10)
    goodbyes_of_the_child = len(registry.goodbyes)
    program.signal("end")

    assert program.end() == 0
    assert status is None or told["status"] == status
    assert float(str(told["seconds"])) < 2.5
    assert goodbyes_of_the_child == 0
    assert len(registry.goodbyes) == 1
    assert registry.total("tasks_completed") == 10


def test_handlers_of_the_agent_set_after_the_start_stay_in_force_in_the_child(
    registry: FakeRegistry, programs: Programs
) -> None:
    before = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    body = CHILD.format(before=before, after="time.sleep(60)", terminate=True)
    program = programs.start(body, PULSEGUARD_REGISTRY_URL=registry.url)
    address = program.said()["address"]

    assert program.said()["status"] == 7 << 8
    wait_for_tasks(address, 10)


def test_the_last_to_end_says_goodbye_though_it_never_led(
    registry: FakeRegistry, programs: Programs
) -> None:
    """Parent and children get the signal at the same time, as from a terminal."""
    program = programs.start(
        """
agent = Agent("bot")
agent.start()
for _ in range(4):
    if os.fork() == 0:
        break
work(agent, 5)
say(address=agent.metrics_address)
time.sleep(60)
""",
        PULSEGUARD_REGISTRY_URL=registry.url,
    )
    address, *_ = [program.said()["address"] for _ in range(5)]
    wait_for_tasks(address, 25)

    os.killpg(program.process.pid, signal.SIGTERM)

    assert program.end() == -signal.SIGTERM
    wait_until(lambda: registry.total("tasks_completed") == 25)
    wait_until(lambda: registry.goodbyes)
    assert registry.paths()[-1].endswith("heartbeat")
    assert registry.requests[-1].body["goodbye"]
    assert registry.contradictions == []


def test_an_asyncio_server_that_owns_sigterm_ends_its_own_way_and_then_says_goodbye(
    registry: FakeRegistry, programs: Programs
) -> None:
    program = programs.start(
        """
import uvicorn
agent = Agent("bot")
agent.start()
work(agent, 5)

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                say(shutdown=True)
                await send({"type": "lifespan.shutdown.complete"})
                break
            say(ready=True)
            await send({"type": "lifespan.startup.complete"})

uvicorn.run(application, port=0, log_level="critical")
""",
        PULSEGUARD_REGISTRY_URL=registry.url,
    )
    assert program.said() == {"ready": True}
    time.sleep(0.3)

    program.process.terminate()

    assert program.said() == {"shutdown": True}
    program.end()
    assert len(registry.goodbyes) == 1
    assert registry.total("tasks_completed") == 5
