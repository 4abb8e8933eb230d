"""SIGTERM to one of several processes, whose main thread is in native code."""

import os
import signal
import time

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Programs, wait_for_tasks
from tests.exporters.observing import wait_until

FORKS = """
import hashlib
agent = Agent("bot")
agent.start()

def fork(in_native_code):
    child = os.fork()
    if child:
        return child
    work(agent, 2)
    say(child=os.getpid())
    if in_native_code:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**8)
    wait_for("end")
    sys.exit(0)

doomed, sibling = fork(True), fork(False)
say(doomed=doomed, address=agent.metrics_address)
_, status = os.waitpid(doomed, 0)
say(status=os.waitstatus_to_exitcode(status))
os.waitpid(sibling, 0)
wait_for("end")
"""


def test_a_follower_in_native_code_hands_in_its_last_numbers_and_ends_alone(
    registry: FakeRegistry, programs: Programs
) -> None:
    program = programs.start(FORKS, PULSEGUARD_REGISTRY_URL=registry.url)
    told: dict[str, object] = {}
    for _ in range(3):
        told |= program.said()
    wait_until(lambda: programs.living() == 3)

    os.kill(int(str(told["doomed"])), signal.SIGTERM)
    signalled = time.monotonic()
    status = program.said()["status"]

    assert time.monotonic() - signalled < 2.5
    assert status == -signal.SIGTERM
    wait_for_tasks(told["address"], 4)
    assert programs.living() == 2
    assert registry.goodbyes == []
    program.signal("end")
    assert program.end() == 0
