"""What outlives the containers."""

import time

from tests.containers.deployment import Deployment
from tests.containers.page import run, typed
from tests.containers.test_faults import nobody_expires
from tests.containers.writing import written_all_the_time
from tests.registry.ledger import stored


def test_all_is_there_again_after_the_containers_were_removed_and_made_anew(
    deployment: Deployment,
) -> None:
    with written_all_the_time(deployment):
        time.sleep(5)
    acknowledged = stored(deployment.database_url())
    moment = time.time()
    containers = {name: deployment.container(name) for name in deployment.services}
    ids = {name: agent["id"] for name, agent in deployment.agents().items()}

    (data_stay, _) = typed("Down")[0].splitlines()
    run(deployment, data_stay)
    deployment.up()

    assert containers.keys() == {
        name for name, container in containers.items() if deployment.container(name) != container
    }
    assert acknowledged - stored(deployment.database_url()) == set()
    assert {name: agent["id"] for name, agent in deployment.agents().items()} == ids
    # Prometheus' history.
    shown = deployment.query(f'count(up{{job="agents",environment="demo"}} @ {moment:.0f})')
    assert [value for _, value in shown] == [5]


def test_new_keys_are_taken_over_without_a_restart_and_nobody_is_told(
    deployment: Deployment,
) -> None:
    old = deployment.secret("registry/admin.key")
    with nobody_expires(deployment), written_all_the_time(deployment):
        (new_keys,) = typed("New keys and passwords")
        run(deployment, new_keys)
        assert deployment.secret("registry/admin.key") != old
        deployment.ask("/agents")
        # Prometheus, Alertmanager and sync speak with the new one at once, the agents at their next
        # registration.
        time.sleep(30)
        assert deployment.firing() & {"RegistryDown", "AgentDown"} == set()
    down = deployment.query('min_over_time(up{job=~"registry.*"}[1m]) == 0')
    assert down == []
