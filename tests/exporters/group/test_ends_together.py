"""Processes that were started independently end one shortly after the other: that is told."""

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import LONG, Programs
from tests.exporters.observing import wait_until

# Tenths of a second, and in turns what is between them: all at once would only wait for each other.
GAPS = [number / 10 for number in range(11)]
SHIFTS = [0, 0.02, 0.04, 0.06, 0.08] if LONG else [0]
WAYS = ["leave", "be_terminated"]

# Pairs of processes, each an agent of its own: none has forked the other.
PAIRS = """
import http.client, ssl
import pulseguard.group.membership, pulseguard.reporting.reporter
from pulseguard import process_end

# For a busy machine: what is told at an end is judged here, not how fast.
process_end.SECONDS_TO_END = 20.0

def leave(agent):
    agent.stop(20)
    sys.exit()

def be_terminated(agent):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)

def begin(is_second):
    for way in ({ways}):
        for gap in {gaps}:
            if os.fork() == 0:
                run(f"{{way.__name__}} {{gap}}", way, gap * is_second)

def run(who, way, after):
    agent = Agent("bot", instance=who)
    agent.start()
    work(agent)
    say(started=who)
    wait_for("end")
    time.sleep(after)
    way(agent)

begin(False)
wait_for("second")
begin(True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@pytest.mark.parametrize("shift", SHIFTS)
def test_whoever_ends_shortly_after_the_other_says_goodbye_for_both(
    registry: FakeRegistry, programs: Programs, shift: float
) -> None:
    body = PAIRS.format(ways=", ".join(WAYS), gaps=[round(gap + shift, 2) for gap in GAPS])
    pairs = len(WAYS) * len(GAPS)
    program = programs.start(body, PULSEGUARD_REGISTRY_URL=registry.url)
    begun = [program.said() for _ in range(pairs)]
    wait_until(lambda: len(registry.beating) == pairs)
    program.signal("second")
    begun += [program.said() for _ in range(pairs)]

    program.signal("end")

    assert program.end(30) == 0
    assert all("started" in each for each in begun)
    missed = registry.agents.keys() - registry.stopped
    assert sorted(registry.agents[each]["instance"] for each in missed) == []
    assert registry.total("tasks_completed") == 2 * pairs
