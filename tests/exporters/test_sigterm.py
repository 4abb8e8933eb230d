"""SIGTERM where it is hard to hear, and where it is somebody else's."""

import signal
from pathlib import Path

from tests.exporters.ending import Processes, run_agent, start
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.test_process_end import IN_A_THREAD, first_line


def test_only_the_process_that_is_signalled_ends_and_asyncio_keeps_its_own_handler(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    fork_then_serve = (
        "import asyncio, hashlib\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(60)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**6)\n"
        "async def serve():\n"
        "    asked = asyncio.Event()\n"
        "    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)\n"
        "    print(status, flush=True)\n"
        "    await asked.wait()\n"
        "asyncio.run(serve())\n"
        "sys.exit(7)\n"
    )
    process = run_agent(processes, registry.url, tmp_path, fork_then_serve)
    first_line(process)

    assert first_line(process) == [str(int(signal.SIGTERM))]
    process.terminate()
    assert process.wait(10) == 7
    assert len(registry.goodbyes) == 1


def test_sigterm_keeps_its_status_where_an_agent_was_only_made_and_it_comes_last(
    processes: Processes, tmp_path: Path
) -> None:
    last = (
        "import atexit, os\n"
        "from pulseguard import Agent\n"
        "atexit.register(os.kill, os.getpid(), 15)\n"
        "agent = Agent('invoice-bot')\n"
    )

    assert start(processes, "", tmp_path, "-c", last).wait(10) == -signal.SIGTERM


def test_sigterm_is_given_back_once_no_agent_relies_on_it(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    another = (
        "other = Agent('other-bot', metrics_port=0)\n"
        "agent.stop()\n"
        "print(signal.getsignal(15) is signal.SIG_DFL)\n"
        f"{IN_A_THREAD.format('other.start')}\n"
        "other.stop()\n"
        "print(signal.getsignal(15) is signal.SIG_DFL, signal.set_wakeup_fd(-1))\n"
    )
    process = run_agent(processes, registry.url, tmp_path, another)
    output, told = process.communicate(timeout=10)

    assert output.splitlines()[1:] == ["False", "True -1"]
    assert "SIGTERM" not in told
