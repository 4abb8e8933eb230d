"""Runs a deployment under load for hours, and writes a report: `make soak HOURS=1`."""

import math
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.checkout import copy_of_checkout
from tests.compose.compose_file import SERVICES
from tests.containers.deployment import RUN, Deployment
from tests.containers.docker import Refused, check_docker, docker

from bench.soak.asking import NotServed
from bench.soak.judge import HOUR
from bench.soak.load import observe
from bench.soak.report import report
from pulseguard.version import VERSION

# Less says nothing of a slope.
LEAST_HOURS, MOST_HOURS = 0.02, 24 * 365
BUILD_SECONDS = 900


def main(hours: str, path: str) -> int:
    """0 where nothing is wrong, 1 where something grows, is late or fell, 2 where it cannot run."""
    try:
        seconds = read_hours(hours) * HOUR
        report_file = Path(path)
        if not report_file.parent.is_dir():
            raise ValueError(f"REPORT={path}: there is no folder {report_file.parent}")
        check_docker()
        with deployed() as deployment:
            sys.stderr.write(f"{len(deployment.services)} services are healthy\n")
            observed = observe(deployment, seconds)
    except (ValueError, AssertionError, OSError, Refused, NotServed) as error:
        sys.stderr.write(f"{error or type(error).__name__}\n")
        return 2
    report_file.write_text(report(observed, machine()), encoding="utf-8")
    faults = list(observed.faults())
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    sys.stderr.write(f"the report is in {path}\n")
    return 1 if faults else 0


def read_hours(text: str) -> float:
    """ValueError with a sentence where it is no time to run for."""
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        raise ValueError(
            f"HOURS={text}: give a number of hours, {LEAST_HOURS} to {MOST_HOURS}, such as 1 or 0.5"
        )
    return hours


@contextmanager
def deployed() -> Iterator[Deployment]:
    """A copy of this checkout as a project of its own, healthy; nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="pulseguard-soak-") as folder:
        deployment = Deployment(copy_of_checkout(Path(folder) / "pulseguard"))
        try:
            deployment.make("secrets")
            deployment.compose("build", seconds=BUILD_SECONDS)
            deployment.up()
            yield deployment
        finally:
            deployment.remove()


def machine() -> Mapping[str, str]:
    """What it ran on, and what of it did not run."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    images = {name: SERVICES[name]["image"] for name in ("postgres", "prometheus", "alertmanager")}
    left_out = "" if "grafana" in RUN else "Grafana (GRAFANA=0)"
    try:
        engine = docker("version", "--format", "{{.Server.Version}}").strip()
    except Refused as error:
        engine = str(error)
    return {
        "ended": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "PulseGuard": VERSION,
        "machine": f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB, {platform.machine()},"
        f" Linux {platform.release()}, Docker {engine}; load and deployment share it",
        "images": ", ".join(images.values()),
        "left out": left_out or "nothing",
    }


if __name__ == "__main__":
    sys.exit(main(os.environ.get("HOURS", "1"), os.environ.get("REPORT", "docs/stability.md")))
