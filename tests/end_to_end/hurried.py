"""`pulseguard`, whose registry and sync give Prometheus seconds where else they give it 45.

Usage: as `pulseguard`, for the verbs `registry` and `sync`. Nothing else is changed.
"""

from __future__ import annotations

import sys
from unittest.mock import patch

from pulseguard.command import main

# By verb: how long it waits, and the seconds that are waited instead.
WAITS = {
    "registry": ("pulseguard_registry.scrapes.service.TIME_TO_TELL_SECONDS", 3.0),
    "sync": ("pulseguard_prometheus.scrapes.REPORT_SECONDS", 1.0),
}

if __name__ == "__main__":
    with patch(*WAITS[sys.argv[1]]):
        sys.exit(main())
