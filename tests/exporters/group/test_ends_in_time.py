"""No end takes longer than it may, whatever ails the registry: by the clock of who ends."""

import json
from contextlib import ExitStack
from functools import partial

import pytest

from tests.exporters.group.programs import Programs
from tests.exporters.ill_registries import ILL, Ill, hesitate, served

KEEPING: dict[str, Ill] = {
    "refused": ILL["refused"],
    "silent": ILL["silent"],
    "black hole": ILL["black hole"],
    "trickling": ILL["trickling"],
    "hesitant": partial(served, hesitate),
}

# Each is a forked process with an agent of its own, and ends in its way. It says how long that has
# taken, without what its thread has waited for a processor: that is not for the agent to say.
FLEET = """
import atexit, http.client, socket, ssl
import pulseguard.group.membership, pulseguard.reporting.reporter
from pulseguard.scraping.collection import Collection

def waited():
    with open("/proc/thread-self/schedstat") as delays:
        return int(delays.read().split()[1]) / 1e9

def begin(who, most=2.0):
    began.update(who=who, most=most, thread=threading.get_ident(), waited=waited())
    began["at"] = time.monotonic()

def ended():
    now, is_same = time.monotonic(), began["thread"] == threading.get_ident()
    late = waited() - (began["waited"] if is_same else 0)
    say(who=began["who"], most=began["most"], seconds=now - began["at"] - late)

def kill(process, number):
    ended()
    really_kill(process, number)

def terminate():
    began["at"] = time.monotonic()
    really_kill(os.getpid(), signal.SIGTERM)

def leave(who, agent):
    begin(who)
    sys.exit()

def fail_in_a_scrape(who, agent):
    sys.excepthook = lambda *_: None
    host, port = agent.metrics_address.split(":")
    scraper = socket.create_connection((host, int(port)))
    scraper.sendall(b"GET /metrics HTTP/1.1\\r\\n\\r\\n")
    begin(who)
    raise RuntimeError("the agent fails")

def be_terminated(who, agent):
    begin(who)
    terminate()
    time.sleep(60)

def be_terminated_while_it_stops(who, agent):
    threading.Thread(target=agent.stop, args=(60,), daemon=True).start()
    time.sleep(0.1)
    be_terminated(who, agent)

def stop(who, agent):
    for most in (1.0, 0.5, 0.0):
        begin(who, most or 0.3)
        agent.stop(timeout_seconds=most)
        ended()
        agent.start()
        work(agent)
    os._exit(0)

began, really_kill, os.kill = {}, os.kill, kill
alone = (leave, fail_in_a_scrape, be_terminated, be_terminated_while_it_stops, stop)
ways = [(way, 1) for way in alone] + [(leave, 3), (be_terminated, 3)]
for illness, url in json.loads(os.environ["REGISTRIES"]).items():
    for way, processes in ways:
        if os.fork():
            continue
        who = f"{way.__name__} of {processes}: {illness}"
        atexit.register(ended)
        agent = Agent("bot", instance=who, registry_url=url)
        if way is fail_in_a_scrape:
            # Bound when /metrics is opened.
            Collection.read = lambda self: time.sleep(60)
        agent.start()
        for _ in range(processes - 1):
            if os.fork() == 0:
                break
        work(agent)
        say(started=who)
        wait_for("end")
        way(who, agent)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""
# Of each registry: so many processes, of which one stops three times.
STARTED = 11
ENDS = STARTED + 2


@pytest.mark.alone  # eleven programs at once have the 2 s that an end may take
def test_no_end_waits_longer_than_it_may_for_a_registry_that_keeps_it(programs: Programs) -> None:
    with ExitStack() as kept:
        registries = {name: kept.enter_context(ill()).url for name, ill in KEEPING.items()}
        program = programs.start(FLEET, REGISTRIES=json.dumps(registries))
        started = [program.said() for _ in range(STARTED * len(KEEPING))]
        program.signal("end")
        ends = [program.said() for _ in range(ENDS * len(KEEPING))]

        assert program.end() == 0

    assert all("started" in each for each in started)
    assert [each for each in ends if float(str(each["seconds"])) > float(str(each["most"]))] == []
