"""Looking at an agent from outside: scraping, and waiting with a deadline."""

import subprocess
import time
import urllib.request
from collections.abc import Callable

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from pulseguard import Agent
from pulseguard.catalog import Metric
from pulseguard_stack.programs import find_program

PROMETHEUS_ACCEPTS = (
    "application/openmetrics-text;version=1.0.0;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as the condition holds; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def scrape(agent: Agent, accept: str = "text/plain") -> str:
    """What /metrics says."""
    request = urllib.request.Request(
        f"http://{agent.metrics_address}/metrics", headers={"Accept": accept}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        content: bytes = response.read()
        return content.decode()


def samples(text: str) -> Samples:
    """Every sample by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def openmetrics_names(text: str) -> set[str]:
    """The families of a page in OpenMetrics, which its strict parser has to accept."""
    parse = openmetrics.text_string_to_metric_families
    return {family.name for family in parse(text)}  # type: ignore[no-untyped-call]


def total(text: str, metric: Metric | str, /, **labels: str) -> float:
    """The sum over all series of that name with these labels."""
    name = metric if isinstance(metric, str) else metric.name
    return sum(
        value
        for (sample, pairs), value in samples(text).items()
        if sample == name and labels.items() <= dict(pairs).items()
    )


def promtool_complaints(text: str) -> str:
    """What `promtool check metrics` says; empty when it is content."""
    checked = subprocess.run(
        [find_program("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return checked.stderr + checked.stdout + ("" if checked.returncode == 0 else "failed")
