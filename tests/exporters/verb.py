"""A verb for the command's test: says what it was given."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    sys.stdout.write(f"{list(argv)}\n")
    return len(argv)
