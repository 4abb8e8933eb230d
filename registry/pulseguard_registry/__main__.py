"""Writes docs/openapi.json to standard output: `python -m pulseguard_registry`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pulseguard_registry.app import create_app
from pulseguard_registry.settings import Settings


def written() -> str:
    """The OpenAPI document of this version, as text. Nothing is connected to for it."""
    app = create_app(Settings(), "postgresql://nobody@localhost/none", "none", Path())
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
