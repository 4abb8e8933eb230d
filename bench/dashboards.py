"""What the pages of whole fleets ask of Prometheus, of a thousand agents over an hour."""

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.blocks import make_blocks
from bench.fleet_hour import AGENTS, SCRAPE_SECONDS, SECONDS, fleet_hour
from bench.rounds import Amount, Result
from bench.rule_loading import prometheus_in
from pulseguard_grafana.configuration import shipped_dashboards
from pulseguard_grafana.preview.evaluation import evaluate
from pulseguard_grafana.preview.prometheus import Prometheus, Series
from pulseguard_grafana.preview.time_range import TimeRange

PAGES = ("fleet", "models", "cost")
ROUNDS = 5
PROMISED_MS = 50.0
# Blocks are of two hours of the clock; an hour within one is one block.
BLOCK_SECONDS = 7_200
CONFIGURATION = "{global: {scrape_interval: 10s}}"


class Timed(Prometheus):
    """Notes how long each query took, in ms, over HTTP and with its answer read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.took: dict[str, list[float]] = {}

    def instant(self, expr: str, at: float) -> Sequence[Series]:
        """See Prometheus."""
        began = time.perf_counter()
        found = super().instant(expr, at)
        self._note(expr, began)
        return found

    def over(self, expr: str, shown: TimeRange, step: float) -> Sequence[Series]:
        """See Prometheus."""
        began = time.perf_counter()
        found = super().over(expr, shown, step)
        self._note(expr, began)
        return found

    def _note(self, expr: str, began: float) -> None:
        self.took.setdefault(expr, []).append(1000 * (time.perf_counter() - began))


def run() -> Iterator[Result]:
    """Each query of each page, one after the other, as a browser's refresh asks them."""
    end = (time.time() // BLOCK_SECONDS) * BLOCK_SECONDS - 60
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-bench-"))
    try:
        (folder / "data").mkdir()
        make_blocks(folder / "data", fleet_hour(end), end - SECONDS, end)
        with prometheus_in(folder / "prometheus", CONFIGURATION, folder / "data") as url:
            for name in PAGES:
                yield from _page(name, url, end)
    finally:
        shutil.rmtree(folder)


def _page(name: str, url: str, end: float) -> Iterator[Result]:
    dashboard = json.loads(shipped_dashboards()[name])
    timed = Timed(url)
    for _ in range(ROUNDS):
        evaluate(dashboard, timed, wanted={}, since="1h", now=end, scrape_seconds=SCRAPE_SECONDS)
    medians: Mapping[str, float] = {
        expr: statistics.median(took) for expr, took in timed.took.items()
    }
    worst = max(medians, key=lambda expr: medians[expr])
    what = f"{name}, {AGENTS} agents, 1 h"
    yield Amount(f"{what}: slowest of {len(medians)} queries", "ms", timed.took[worst], PROMISED_MS)
    yield Amount(f"{what}: all of them", "ms", [sum(medians.values())])
