"""`pulseguard`, as tests.end_to_end.hurried has it, and what comes by the hour within seconds.

Usage: as `pulseguard`, for the verbs `registry` and `sync`.
"""

from __future__ import annotations

import sys

from tests.end_to_end.hurried import WAITS, run

# Long enough for the agents to be back, as an hour is.
UPKEEP_SECONDS = 6.0
OFTEN: dict[str, dict[str, object]] = {
    "registry": {
        "pulseguard_registry.upkeep.UPKEEP_SECONDS": UPKEEP_SECONDS,
        "pulseguard_registry.upkeep.RECORDS_SECONDS": 1,
        # What ends keys that nobody uses goes by it.
        "pulseguard_registry.access.last_use.WRITE_SECONDS": 1,
    },
    "sync": {"pulseguard_prometheus.publication.rules_sync.PROOF_SECONDS": 2.0},
}

if __name__ == "__main__":
    sys.exit(run(WAITS[sys.argv[1]] | OFTEN[sys.argv[1]]))
