"""The version of this package; pyproject.toml takes it from here."""

from typing import Final

# Written down rather than asked of importlib.metadata, which costs every agent 5 ms at its start.
VERSION: Final = "0.1.0"
