"""Writes docs/metrics.md to standard output: `python -m pulseguard.catalog`."""

import sys

from pulseguard.catalog.document import document

sys.stdout.write(document())
