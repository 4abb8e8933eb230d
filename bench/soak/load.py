"""A deployment under the load of simulated agents and of people who ask everything, observed."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from tests.containers.deployment import Deployment

from bench.soak.agents import ENVIRONMENT
from bench.soak.asking import Asker, NotServed
from bench.soak.fleet import Fleet, lost_snapshots, simulated_fleet, times_offline
from bench.soak.observed import Observed
from bench.soak.patience import served
from bench.soak.requests import Round
from bench.soak.sampling import EVERY_SECONDS, Sampler, sampled

AGENTS = 500
REQUESTS_A_SECOND = 12
SECONDS_AFTER_FAILURE = 1.0
FIRST_ROUND_SECONDS = 60.0
# The dead man's switch, which always fires.
ALWAYS = "Watchdog"
SNAPSHOTS = "SELECT count(*) FROM ai_metrics"
# A partitioned table by its own name, with all its parts and their indexes.
TABLES = """
SELECT coalesce(pg_partition_root(oid)::regclass, oid::regclass)::text,
       sum(pg_total_relation_size(oid))
  FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
 GROUP BY 1 ORDER BY 2 DESC
"""


def observe(
    deployment: Deployment,
    seconds: float,
    agents: int = AGENTS,
    every: float = EVERY_SECONDS,
    tell: Callable[[str], object] = sys.stderr.write,
) -> Observed:
    """Ask and look for so long, or until somebody interrupts."""
    with simulated_fleet(deployment, agents) as fleet:
        sent = {"name": "probe", "role": "admin"}
        made = served(lambda: deployment.tell("POST", "/keys", sent))
        asker = Asker(deployment.registry_url, made["key"], REQUESTS_A_SECOND)
        asked = Round(asker, fleet.ids)
        _ask_once(asked)
        asker.answers.clear()
        sampler = Sampler(deployment)
        began = time.monotonic()
        failures: list[str] = []
        with sampled(sampler, every):
            try:
                _ask(asked, began, seconds, failures, tell)
            except KeyboardInterrupt:
                tell("interrupted: the report is about what was seen until now\n")
        lasted = time.monotonic() - began
        asker.close()
        seen = _told(deployment, fleet, lasted)
    return Observed(
        agents=agents,
        samples=fleet.samples,
        seconds=lasted,
        series=sampler.series,
        answers=asker.answers,
        failures=failures,
        troubles=sampler.troubles,
        restarted=sorted(sampler.restarted),
        **seen,
    )


def _ask_once(asked: Round) -> None:
    """What is made when it is asked for first is made, and does not count."""
    until = time.monotonic() + FIRST_ROUND_SECONDS
    while True:
        try:
            asked.run()
            return
        except NotServed:
            if time.monotonic() > until:
                raise
            time.sleep(SECONDS_AFTER_FAILURE)


def _ask(
    asked: Round,
    began: float,
    seconds: float,
    failures: list[str],
    tell: Callable[[str], object],
) -> None:
    minutes = 0
    while (passed := time.monotonic() - began) < seconds:
        try:
            asked.run()
        except NotServed as error:
            failures.append(str(error))
            time.sleep(SECONDS_AFTER_FAILURE)
        if passed // 60 > minutes:
            minutes = int(passed // 60)
            tell(f"{minutes} of {seconds / 60:.0f} minutes; {len(failures)} requests not served\n")


# Any: fields of Observed.
def _told(deployment: Deployment, fleet: Fleet, seconds: float) -> Mapping[str, Any]:
    """What Prometheus, the agents and the database tell when it is over."""
    over = f"[{max(int(seconds), 60)}s]"
    up = f'up{{environment="{ENVIRONMENT}"}}{over}'
    share = f"sum(sum_over_time({up})) / sum(count_over_time({up}))"
    ((_, scraped),) = served(lambda: deployment.query(share))
    firing = (
        f'sum by (alertname, environment) (count_over_time(ALERTS{{alertstate="firing"}}{over}))'
    )
    fired = served(lambda: deployment.query(f"sum by (alertname, environment) ({firing})"))
    ledger = fleet.stop()
    url = deployment.database_url()
    tables, snapshots = served(lambda: _stored(url))
    return {
        "scraped": scraped,
        "fired": {
            (labels["alertname"], labels.get("environment", "")): int(count)
            for labels, count in fired
            if labels["alertname"] != ALWAYS
        },
        "ledger": ledger,
        "tables": tables,
        "snapshots": snapshots,
        "lost": served(lambda: lost_snapshots(url, ledger["acknowledged"])),
        "times_offline": served(lambda: times_offline(url)),
    }


def _stored(url: str) -> tuple[Mapping[str, int], int]:
    """The bytes of each table, and how many snapshots there are."""
    with psycopg.connect(url) as connection:
        tables = {name: int(size) for name, size in connection.execute(TABLES).fetchall()}
        (snapshots,) = connection.execute(SNAPSHOTS).fetchone() or (0,)
    return tables, int(snapshots)
