"""fork while another thread imports: the child gets on with the same module."""

import threading
import time

import pytest

from pulseguard import forking
from tests.exporters.group.programs import Programs


@pytest.mark.parametrize("module", ["slow_module"])
def test_a_child_is_not_left_with_half_an_import(programs: Programs, module: str) -> None:
    """As psutil and genai_prices are imported: by a thread of ours, at the first scrape."""
    (programs.folder / "slow_module.py").write_text(
        "import time\nopen('importing', 'w').close()\ntime.sleep(0.3)\nvalue = 1\n"
    )
    program = programs.start(f"""
from pulseguard.forking import IMPORTING
agent = Agent("bot")
agent.start()

def import_it():
    with IMPORTING:
        import {module}

threading.Thread(target=import_it).start()
wait_for("importing")
child = os.fork()
if child == 0:
    signal.alarm(20)
    import {module}
    os._exit({module}.value)
say(status=os.waitpid(child, 0)[1])
""")

    assert program.said() == {"status": 1 << 8}


def test_children_forked_during_the_first_scrape_can_read_host_and_prices(
    programs: Programs,
) -> None:
    program = programs.start("""
import urllib.request
agent = Agent("bot")
agent.start()
work(agent)

def scrape():
    urllib.request.urlopen(f"http://{agent.metrics_address}/metrics").read()

scraping = threading.Thread(target=scrape)
scraping.start()
children = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        import psutil, genai_prices
        psutil.Process(), genai_prices.Usage
        os._exit(0)
    children.append(child)
    time.sleep(0.01)
say(statuses=[os.waitpid(child, 0)[1] for child in children])
scraping.join()
""")

    assert program.said() == {"statuses": [0] * 20}


def test_a_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "_LONGEST_WAIT_SECONDS", 0.05)
    held = threading.Event()
    over = threading.Event()

    def hold() -> None:
        with forking.IMPORTING:
            held.set()
            over.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    began = time.monotonic()
    forking._before()
    forking._in_parent()
    seconds = time.monotonic() - began
    over.set()
    holder.join()

    assert seconds < 1
    assert not forking.IMPORTING.locked()
