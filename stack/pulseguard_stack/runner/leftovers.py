"""What an earlier run has left behind: a runner killed with -9 cannot stop its components."""

import signal

from pulseguard_registry.embedded import owner_of
from pulseguard_stack.runner.container import end_noted_container
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.processes import (
    Process,
    end,
    family,
    is_alive,
    marked,
    postmaster,
)
from pulseguard_stack.runner.run_file import read_run

COMPONENT_SECONDS = 15.0
POSTGRESQL_SECONDS = 20.0


def end_leftovers(places: Places) -> int:
    """Ends every process and container of the stack that still runs; answers how many there were.

    A process is of the stack when run.json names it with the time of its start, or when it carries
    the mark of this stack: another one that was given the same pid is left alone, and so is
    PostgreSQL while a registry owns it that is not of the stack.
    """
    database = postmaster(places.postmaster_file)
    its_own = family(database) if database else set()
    found = [each for each in _leftovers(places) if each.pid not in its_own]
    end(found, deadline_seconds=COMPONENT_SECONDS)
    # A client of Docker that was killed has not told its container.
    count = len(found) + end_noted_container(places.grafana_container)
    # A registry that ends by itself ends its database; one that was killed does not.
    if database is None or not is_alive(database) or owner_of(places.data_dir):
        return count
    # To PostgreSQL, SIGINT is: end now, and leave the data whole.
    end([database], deadline_seconds=POSTGRESQL_SECONDS, number=signal.SIGINT)
    return count + 1


def _leftovers(places: Places) -> list[Process]:
    run = read_run(places.run_file)
    named = [each.process for each in run.components] if run else []
    return list({*marked(places.stack), *(each for each in named if is_alive(each))})
