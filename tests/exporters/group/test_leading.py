"""Who speaks for the agent dies: another one goes on, with the same numbers on the same port."""

import itertools
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import LONG, Programs, page, tasks, wait_for_tasks
from tests.exporters.observing import total, wait_until

# Each process works in rounds, says what it has done, and stops when it is told.
CREW = """
agent = Agent("bot", instance="one")
agent.start()
children = []
for number in range({children}):
    child = os.fork()
    if child == 0:
        break
    children.append(child)
say(pid=os.getpid(), address=agent.metrics_address)
done = 0
while not os.path.exists("rest"):
    work(agent, 5)
    done += 5
    time.sleep(0.02)
say(pid=os.getpid(), done=done)
while not os.path.exists("end"):
    time.sleep(0.02)
"""


def test_each_leader_killed_in_turn_leaves_page_and_snapshots_true(
    registry: FakeRegistry, programs: Programs
) -> None:
    """At rest, so that everything was handed in: then nothing may be lost, nor told twice."""
    program = programs.start(CREW.format(children=4), PULSEGUARD_REGISTRY_URL=registry.url)
    started = [program.said() for _ in range(5)]
    (address,) = {each["address"] for each in started}
    program.signal("rest")
    done = sum(int(str(program.said()["done"])) for _ in range(5))
    wait_for_tasks(address, done)
    time.sleep(1.2)

    parent = program.process.pid
    others = [int(str(each["pid"])) for each in started if each["pid"] != parent]
    for leader in (parent, *others[:3]):
        os.kill(leader if leader == parent else speaker(address, others), signal.SIGKILL)
        wait_until(lambda: tasks(address) == done, 10)
    wait_until(lambda: registry.total("tasks_completed") == done)
    program.signal("end")
    wait_until(lambda: registry.goodbyes)

    speakers = reporters(registry)
    assert len(speakers) == len(set(speakers)) >= 5
    assert len(registry.agents) == 1
    assert registry.contradictions == []
    assert registry.total("tasks_completed") == done
    assert registry.total("tokens_processed") == 10 * done


def test_processes_that_cannot_meet_take_turns_and_are_not_taken_for_one(
    registry: FakeRegistry, programs: Programs, tmp_path: Path
) -> None:
    """As two containers of one instance."""
    body = CREW.format(children=0)
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
        programs.start(body, PULSEGUARD_REGISTRY_URL=registry.url, TMPDIR=str(folder)).said()

    wait_until(lambda: len(reporters(registry)) > 3)

    assert len(set(reporters(registry))) == 2
    assert len(registry.agents) == 1


def reporters(registry: FakeRegistry) -> list[str]:
    """The processes that beat, each as often as another one had beaten before."""
    with registry.lock:
        beats = [each.body for each in registry.requests if each.path.endswith("/heartbeat")]
    return [process for process, _ in itertools.groupby(beat["process"] for beat in beats)]


def speaker(address: object, processes: list[int]) -> int:
    """Who listens on that port."""
    port = int(str(address).rpartition(":")[2])
    with open("/proc/net/tcp") as table:  # noqa: PTH123
        fields = [line.split() for line in table][1:]
    (inode,) = {
        each[9] for each in fields if each[3] == "0A" and int(each[1].split(":")[1], 16) == port
    }
    for process in processes:
        folder = f"/proc/{process}/fd"
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except (FileNotFoundError, PermissionError):
            # It has ended: what is left of it belongs to root until its parent has looked.
            continue
        for name in names:
            if os.readlink(f"{folder}/{name}") == f"socket:[{inode}]":  # noqa: PTH115
                return process
    raise AssertionError("nobody listens")


def test_a_leader_killed_at_work_takes_nothing_back(
    registry: FakeRegistry, programs: Programs
) -> None:
    program = programs.start(CREW.format(children=3), PULSEGUARD_REGISTRY_URL=registry.url)
    started = [program.said() for _ in range(4)]
    address = started[0]["address"]
    wait_until(lambda: tasks(address) > 100)
    seen: list[float] = []

    def watch(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = tasks(address)
            if found >= 0:
                seen.append(found)

    watch(0.5)
    os.kill(program.process.pid, signal.SIGKILL)
    watch(3.0)
    program.signal("rest")
    done = sum(int(str(program.said()["done"])) for _ in range(3))
    wait_until(lambda: tasks(address) == tasks(address) >= done)
    time.sleep(1.2)
    last = tasks(address)
    wait_until(lambda: registry.total("tasks_completed") >= last)

    assert seen == sorted(seen)
    assert last > done
    assert registry.contradictions == []
    assert registry.total("tasks_completed") == last


def test_a_port_that_a_stranger_took_is_replaced_and_registered_anew(
    registry: FakeRegistry, programs: Programs
) -> None:
    program = programs.start(CREW.format(children=1), PULSEGUARD_REGISTRY_URL=registry.url)
    told = [program.said(), program.said()]
    address = str(told[0]["address"])
    wait_until(lambda: tasks(address) > 50)
    program.process.send_signal(signal.SIGSTOP)  # it answers nobody, and still leads
    child = next(int(str(each["pid"])) for each in told if each["pid"] != program.process.pid)
    os.kill(child, signal.SIGSTOP)
    os.kill(program.process.pid, signal.SIGKILL)
    program.process.wait()

    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        os.kill(child, signal.SIGCONT)
        wait_until(lambda: {a["metrics_address"] for a in registry.agents.values()} - {address})
        (agent,) = registry.agents.values()
        wait_until(lambda: tasks(agent["metrics_address"]) > 50)


def test_independent_processes_of_one_instance_are_one_agent(
    registry: FakeRegistry, programs: Programs
) -> None:
    """As multiprocessing's spawn or a second start by hand: no fork is needed to meet."""
    body = CREW.format(children=0)
    first = programs.start(body, PULSEGUARD_REGISTRY_URL=registry.url)
    address = first.said()["address"]
    second = programs.start(body, PULSEGUARD_REGISTRY_URL=registry.url)
    second.said()
    first.signal("rest")
    done = sum(int(str(each.said()["done"])) for each in (first, second))
    wait_for_tasks(address, done)
    time.sleep(1.2)

    first.process.kill()
    first.process.wait()
    wait_for_tasks(address, done)
    first.signal("end")

    assert second.end() == 0
    assert len(registry.agents) == 1
    assert len(registry.goodbyes) == 1
    assert registry.total("tasks_completed") == done


def test_what_an_earlier_group_left_is_not_counted_again(programs: Programs) -> None:
    program = programs.start(CREW.format(children=2))
    told = [program.said() for _ in range(3)]
    wait_until(lambda: tasks(told[0]["address"]) > 50)
    for each in told:
        os.kill(int(str(each["pid"])), signal.SIGKILL)
    program.process.wait()
    for group in programs.folder.glob("pulseguard-*/*"):
        if "." not in group.name:
            os.utime(group, (0, 0))  # it was not just now

    again = programs.start(
        'agent = Agent("bot", instance="one")\nagent.start()\nwork(agent, 2)\n'
        "say(address=agent.metrics_address)\nwait_for('end')"
    )
    address = again.said()["address"]

    assert tasks(address) == 2
    time.sleep(1.2)
    assert tasks(address) == 2


@pytest.mark.parametrize("times", [2 if not LONG else 20])
def test_stopped_and_started_within_a_living_group_nothing_counts_twice(
    programs: Programs, times: int
) -> None:
    program = programs.start(f"""
agent = Agent("bot")
agent.start()
child = os.fork()
if child == 0:
    work(agent, 3)
    wait_for("end")
    sys.exit(0)
# A child that has just been forked may still become another program: it is no company yet.
time.sleep(0.5)
for _ in range({times}):
    work(agent, 5)
    agent.stop()
    work(agent, 1)
    agent.start()
say(address=agent.metrics_address, instance=agent.instance)
while not os.path.exists("end"):
    time.sleep(0.1)
    say(address=agent.metrics_address)
""")
    wanted = 3 + 6 * times

    def found() -> float:
        told = program.said()
        return tasks(told["address"]) if told.get("address") else -1

    wait_until(lambda: found() == wanted, 10)
    assert total(page(program.said()["address"]), "pulseguard_tasks_in_progress") == 0
