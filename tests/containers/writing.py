"""Somebody writes all the time, and all that was acknowledged is there in the end."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.containers.deployment import Deployment, eventually
from tests.registry.crowd import Crowd
from tests.registry.ledger import stored
from tests.registry.running import registration

WRITERS = 3


@contextmanager
def written_all_the_time(deployment: Deployment) -> Iterator[Crowd]:
    """Agents of an environment of their own beat with snapshots, keys and alerts come and go."""
    # What others ask must not count towards the limit of the same key.
    made = deployment.tell("POST", "/keys", {"name": "writers", "role": "admin"})
    crowd = Crowd([deployment.registry_url], made["key"])
    for number in range(WRITERS):
        said = {"environment": "writers", "metrics_address": "10.255.255.1:9464"}
        agent = deployment.tell("POST", "/agents", registration(f"writer-{number}", **said))
        crowd.beat(uuid.UUID(agent["id"]))
    crowd.make_and_revoke_keys()
    crowd.tell_alerts()
    with crowd:
        crowd.wait_for_writes()
        yield crowd
        # It is served again.
        enough = len(crowd.acknowledged) + 50
        eventually(lambda: len(crowd.acknowledged) >= enough)
    lost = crowd.acknowledged - stored(deployment.database_url())
    assert lost == set()
