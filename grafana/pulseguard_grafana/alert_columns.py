"""The columns of a table of alerts, wherever there is one."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.panels import Column
from pulseguard_grafana.panels.colours import BAD, WARNING


def alert_columns(about: Sequence[Column], *, matchers: str, firing: str) -> list[Column]:
    """Which alert, how bad, about whom, and since when; `about` are columns of labels.

    `matchers` choose the alerts, `firing` is the selector of those of them that fire.
    """
    labels = ", ".join(("alertname", "severity", *(column.label for column in about)))
    return [
        Column("Alert", label="alertname"),
        Column(
            "Severity",
            label="severity",
            texts={"critical": ("critical", BAD), "warning": ("warning", WARNING)},
            width=100,
        ),
        *about,
        Column(
            "Since",
            query=(
                f"1000 * max by ({labels})"
                f" (ALERTS_FOR_STATE{{{matchers}}} and ignoring (alertstate) {firing})"
            ),
            unit="dateTimeFromNow",
            width=150,
        ),
    ]
