"""Which Prometheus is asked: the one that is named, else that of the stack on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pulseguard.settings_file import settings_file
from pulseguard.web_address import is_web_address
from pulseguard_grafana.preview.errors import PreviewRefused

# What `make up` leaves in its data folder while it runs.
_RUN_FILE: Final = Path("stack") / "run.json"
_FLAG: Final = "--prometheus-url"
_VARIABLE: Final = "PULSEGUARD_PROMETHEUS_URL"


def prometheus_url(given: str | None, data_dir: Path | None, environment: Mapping[str, str]) -> str:
    """The flag, the variable, or what a stack says that runs; of the data folder where one is
    named. PreviewRefused where there is none, or one that is no address."""
    if given is not None:
        return _checked(_FLAG, given)
    if data_dir is None and (named := environment.get(_VARIABLE)):
        return _checked(_VARIABLE, named)
    folder = data_dir or environment.get("PULSEGUARD_DATA_DIR")
    left = Path(folder) / _RUN_FILE if folder else settings_file(environment)
    try:
        return _checked(str(left), str(json.loads(left.read_text("utf-8"))["prometheus_url"]))
    except (OSError, ValueError, LookupError, TypeError):
        raise PreviewRefused(
            f"no stack runs that {left} tells of; start one with `make up`, or name a Prometheus"
            f" with {_FLAG} or {_VARIABLE}"
        ) from None


def _checked(origin: str, url: str) -> str:
    if not is_web_address(url):
        raise PreviewRefused(f"{origin}: {url!r} is no address; give http://host:port")
    return url.rstrip("/")
