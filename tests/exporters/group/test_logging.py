"""fork while a thread of the agent's logs: the child can write to stderr, and so can end."""

import pytest

from tests.exporters.group.programs import Programs

# A stderr that takes its time, and lets others run meanwhile.
SLOW = """
import io

class Slow(io.RawIOBase):
    def writable(self):
        return True

    def write(self, text):
        open("writing", "w").close()
        time.sleep(0.5)
        return len(text)

sys.stderr = io.TextIOWrapper(io.BufferedWriter(Slow()), write_through=True)
"""


def test_a_child_that_is_forked_while_a_line_is_written_ends(programs: Programs) -> None:
    """One that inherits a locked stderr waits for it for ever, at the latest when it ends."""
    program = programs.start(f"""{SLOW}
agent = Agent("bot", registry_url="http://127.0.0.1:9")
agent.start()
wait_for("writing")
child = os.fork()
if child == 0:
    signal.alarm(5)
    agent.stop(0)
    sys.exit(0)
say(status=os.waitpid(child, 0)[1])
os._exit(0)
""")

    assert program.said() == {"status": 0}


@pytest.mark.parametrize("handler", ["os.fork()", "time.sleep(60)"])
def test_a_log_handler_that_forks_or_hangs_keeps_no_fork(programs: Programs, handler: str) -> None:
    program = programs.start(f"""
import logging

class Handler(logging.Handler):
    def emit(self, record):
        open("handling", "w").close()
        if {handler} == 0:
            os._exit(0)

logging.getLogger("pulseguard").addHandler(Handler())
agent = Agent("bot", registry_url="http://127.0.0.1:9")
agent.start()
wait_for("handling")
child = os.fork()
if child == 0:
    os._exit(0)
say(status=os.waitpid(child, 0)[1])
os._exit(0)
""")

    assert program.said() == {"status": 0}
