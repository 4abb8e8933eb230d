"""Is its process well, and may what it tells be believed: the exporter's own health."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.agent_rows.each import NAME, OF_EACH
from pulseguard_grafana.panels import Panel, Query, line
from pulseguard_grafana.scope import AGENT

_RATE = "[$__rate_interval]"
_NOT_REACHED = "Prometheus did not reach it"


def _of_each(title: str, meaning: str, metric: str, *, unit: str, whole: str = "") -> Panel:
    """A gauge of each process; `whole` is one of the host, beside it."""
    queries = [Query(f"max by ({OF_EACH}) ({metric}{{{AGENT}}})", NAME)]
    if whole:
        queries.append(Query(f"max by ({OF_EACH}) ({whole}{{{AGENT}}})", f"{NAME}, host"))
    reads = f"`{metric}`" + (f" and `{whole}`" if whole else "")
    return line(
        title, f"{meaning} Reads {reads}.", *queries, unit=unit, no_data=_NOT_REACHED, many=True
    ).sized(6)


PROCESS: Sequence[Panel] = [
    _of_each(
        "CPU",
        "Cores that the process used; of the host, the share of all of its cores.",
        "pulseguard_process_cpu_ratio",
        unit="percentunit",
        whole="pulseguard_host_cpu_ratio",
    ),
    _of_each(
        "Memory",
        "Resident memory of the process; of the host, what it can give without swapping.",
        "pulseguard_process_memory_rss_bytes",
        unit="bytes",
        whole="pulseguard_host_memory_available_bytes",
    ),
    _of_each(
        "Open files",
        "File descriptors that the process holds open.",
        "pulseguard_process_open_fds",
        unit="none",
    ),
    _of_each("Threads", "Threads of the process.", "pulseguard_process_threads", unit="none"),
]

EXPORTER: Sequence[Panel] = [
    line(
        "Series against the quota",
        "Share of the series that the exporter may hold: at 100 %, label values without room go to"
        " `_OTHER`. Reads `pulseguard_exporter_series` and `pulseguard_exporter_series_limit`.",
        Query(
            f"max by ({OF_EACH}) (pulseguard_exporter_series{{{AGENT}}}"
            f" / pulseguard_exporter_series_limit{{{AGENT}}})",
            NAME,
        ),
        unit="percentunit",
        no_data=_NOT_REACHED,
        many=True,
    ),
    line(
        "Folded into _OTHER",
        "Recordings whose label set had no room of its own, a second, of each metric: its sums are"
        " true, its parts are not all told apart. Reads"
        " `pulseguard_exporter_dropped_label_sets_total`.",
        Query(
            "sum by (metric)"
            f" (rate(pulseguard_exporter_dropped_label_sets_total{{{AGENT}}}{_RATE})) > 0",
            "{{metric}}",
        ),
        unit="ops",
        no_data="Nothing was folded, or not reached",
        many=True,
    ),
    line(
        "Exporter's failures",
        "Failures inside the exporter, and requests to the registry that were not answered well, a"
        " second. Reads `pulseguard_exporter_failures_total` and"
        " `pulseguard_exporter_registry_requests_total`.",
        Query(
            f"sum by (operation) (rate(pulseguard_exporter_failures_total{{{AGENT}}}{_RATE})) > 0",
            "{{operation}}",
        ),
        Query(
            "sum by (outcome) (rate(pulseguard_exporter_registry_requests_total"
            f'{{{AGENT},outcome!="ok"}}{_RATE})) > 0',
            "registry: {{outcome}}",
        ),
        unit="ops",
        no_data="Nothing has failed, or not reached",
        many=True,
    ).well_empty(),
]
