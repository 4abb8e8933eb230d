"""A process that becomes a daemon, and closes all that it inherited, is still the same agent."""

from pathlib import Path

from pulseguard.slots import take_slot
from tests.exporters.group.programs import Programs, tasks
from tests.exporters.observing import wait_until

DAEMON = """
agent = Agent("bot", environment="production")
agent.start()
for _ in range(2):
    if os.fork():
        os._exit(0)
os.closerange(3, 256)
strangers = [os.open(__file__, os.O_RDONLY) for _ in range(30)]
work(agent, 10)
while not os.path.exists("end"):
    found = {os.fstat(number).st_ino for number in strangers}
    say(address=agent.metrics_address, spared=found == {os.stat(__file__).st_ino})
    time.sleep(0.1)
"""


def lowest_free_slot(folder: Path) -> int:
    """What the next agent of that name would be."""
    slot = take_slot("production", "bot", folder / "pulseguard-slots")
    slot.release()
    return slot.number


def test_a_daemon_keeps_its_number_its_page_and_what_it_opened_since(programs: Programs) -> None:
    program = programs.start(DAEMON)
    assert program.end() == 0

    wait_until(lambda: lowest_free_slot(programs.folder) == 1)
    # Who spoke before has left no word of its port.
    wait_until(lambda: tasks(program.said()["address"]) == 10)
    assert program.said()["spared"]
    program.signal("end")
