"""multiprocessing, by each of its ways to start a process."""

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Programs, page, wait_for_tasks
from tests.exporters.observing import total

POOL = """
agent = Agent("bot", instance="one")

def job(number):
    agent.start()
    work(agent, 2)
    return os.getpid()

if __name__ == "__main__":
    agent.start()
    context = multiprocessing.get_context("{method}")
    with context.Pool(3, maxtasksperchild=5) as pool:
        processes = set(pool.map(job, range(30), chunksize=1))
        pool.close()
        pool.join()
    say(address=agent.metrics_address, processes=len(processes))
    wait_for("end")
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_jobs_of_a_pool_are_one_agents(
    registry: FakeRegistry, programs: Programs, method: str
) -> None:
    program = programs.start(POOL.format(method=method), PULSEGUARD_REGISTRY_URL=registry.url)
    told = program.said()
    wait_for_tasks(told["address"], 60)
    found = page(told["address"])
    program.signal("end")

    assert program.end() == 0
    assert int(str(told["processes"])) >= 3
    assert total(found, "pulseguard_tokens_total") == 600
    assert len(registry.agents) == 1
    assert registry.total("tasks_completed") == 60
