"""Where a registry keeps its data; apart from its settings, which take a third of a second."""

from __future__ import annotations

import os
from pathlib import Path


def default_data_dir() -> Path:
    """Where keys and the embedded database live: never under a home when running as root."""
    if os.geteuid() == 0:
        return Path("/var/lib/pulseguard")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "pulseguard"
