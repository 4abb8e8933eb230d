"""Whether Alertmanager's own checker takes a configuration."""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from pulseguard_prometheus.errors import NotificationTrouble
from pulseguard_prometheus.notification.rendering import TEMPLATE_NAME, Rendered

CHECK_TIMEOUT_SECONDS: Final = 20
_SAID_LIMIT: Final = 500


class Refused(NotificationTrouble):
    """It says no: to ask again is of no use."""


def check(amtool: Path, rendered: Rendered) -> None:
    """Returns where it is taken; raises Refused where it is not, NotificationTrouble where nobody
    knows."""
    try:
        # Of our own making, and readable by this user alone: it may hold secrets.
        with tempfile.TemporaryDirectory(prefix="pulseguard-") as name:
            folder = Path(name)
            configuration = folder / "alertmanager.yml"
            configuration.write_text(rendered.configuration, encoding="utf-8")
            (folder / TEMPLATE_NAME).write_text(rendered.template, encoding="utf-8")
            checked = subprocess.run(
                [amtool, "check-config", configuration],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=CHECK_TIMEOUT_SECONDS,
            )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise NotificationTrouble(
            f"{amtool} does not check the configuration of Alertmanager ({problem})",
            "see that it runs on this machine, and that there is room for temporary files",
        ) from problem
    if checked.returncode:
        raise Refused(
            f"amtool refuses the configuration of Alertmanager: {_told(checked.stdout, name)}",
            "the settings of its receivers are in docs/settings.md",
        )


def _told(output: bytes, folder: str) -> str:
    """What it found, on one line."""
    text = output.decode("utf-8", errors="replace").replace(f"{folder}/", "")
    found = [line.strip() for line in text.splitlines() if "FAILED" in line or "error" in line]
    return " ".join(found)[:_SAID_LIMIT] or "without a word"
