"""`pulseguard`, whose registry and sync give Prometheus seconds where else they give it longer.

Usage: as `pulseguard`, for the verbs `registry` and `sync`. Nothing else is changed.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from unittest.mock import patch

from pulseguard.command import main

# By verb: what is waited for how many seconds instead.
WAITS = {
    "registry": {"pulseguard_registry.scrapes.service.TIME_TO_TELL_SECONDS": 3.0},
    "sync": {
        "pulseguard_prometheus.scrapes.REPORT_SECONDS": 1.0,
        "pulseguard_prometheus.settling.SETTLING_SECONDS": 1.0,
    },
}

if __name__ == "__main__":
    with ExitStack() as patches:
        for name, seconds in WAITS[sys.argv[1]].items():
            patches.enter_context(patch(name, seconds))
        sys.exit(main())
