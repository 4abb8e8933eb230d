"""`pulseguard down`: stops what `pulseguard up` runs, from anywhere on this machine."""

import os
import sys
from collections.abc import Sequence

from pulseguard.settings_file import settings_file
from pulseguard_stack.errors import CannotStop
from pulseguard_stack.runner.agent_file import remove_agent_file
from pulseguard_stack.runner.leftovers import end_leftovers
from pulseguard_stack.runner.lock import RunnerLock
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.processes import end, wait_for
from pulseguard_stack.runner.run_file import read_run
from pulseguard_stack.runner.settings import read_down_data_dir

# More than a runner needs at worst, since it gives each of its components a deadline.
RUNNER_SECONDS = 75.0
LOCK_SECONDS = 5.0


def main(argv: Sequence[str]) -> int:
    """Returns when nothing of the stack runs any more: 0, also where nothing ran."""
    places = Places(read_down_data_dir(argv, os.environ))
    try:
        stopped = _stop(places)
    except CannotStop as problem:
        sys.stderr.write(f"pulseguard down: {problem}\n")
        return 1
    stopped_said = "PulseGuard has stopped; its data are kept."
    sys.stdout.write(f"{stopped_said if stopped else _nothing(places)}\n")
    return 0


def _nothing(places: Places) -> str:
    return (
        f"no stack of {places.data_dir} runs; one that `make up` started with PULSEGUARD_DATA_DIR"
        " or --data-dir is stopped with the same"
    )


def _stop(places: Places) -> bool:
    """Whether there was anything to stop."""
    lock = RunnerLock(places.lock_file)
    try:
        if not places.lock_file.exists():
            return False
        ran = not lock.take()
        if ran:
            _end_runner(lock, places)
        # The lock is ours now: no `up` starts while what is left is being ended.
        left = end_leftovers(places)
        if run := read_run(places.run_file):
            # Left by a runner that was killed: one that ends takes both away.
            remove_agent_file(settings_file(os.environ), run.addresses)
        places.run_file.unlink(missing_ok=True)
    except OSError as problem:
        raise CannotStop(
            f"{problem.filename}: {problem.strerror}; is it of another user?"
        ) from None
    finally:
        lock.release()
    return ran or left > 0


def _end_runner(lock: RunnerLock, places: Places) -> None:
    holder = lock.holder()
    if holder:
        end([holder], deadline_seconds=RUNNER_SECONDS)
    if not wait_for(lock.take, LOCK_SECONDS):
        raise CannotStop(f"another process holds {places.lock_file}: is `pulseguard up` starting?")
