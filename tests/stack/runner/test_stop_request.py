"""A signal is heard whenever it comes."""

import subprocess
import sys

import pytest

# Signals rain on the thread that waits: a handler that takes a lock of that thread hangs on one.
WAIT_IN_THE_RAIN = """
import os, signal, threading
from pulseguard_stack.runner.stop_request import StopRequest

stop = StopRequest()
stop.install()
stop.hold()

def rain():
    for _ in range(20_000):
        os.kill(os.getpid(), signal.{name})

sender = threading.Thread(target=rain)
sender.start()
while sender.is_alive():
    stop.wait(0.0001)
assert stop.is_made()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_that_comes_while_it_is_waited_for_is_heard(name: str) -> None:
    ended = subprocess.run([sys.executable, "-c", WAIT_IN_THE_RAIN.format(name=name)], timeout=20)

    assert ended.returncode == 0
