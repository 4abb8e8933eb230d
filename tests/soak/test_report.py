"""What the page says, and that it names what is wrong."""

from array import array
from dataclasses import replace
from typing import Any

from bench.soak.asking import Answers
from bench.soak.judge import HOUR, MEGABYTE, Points
from bench.soak.observed import Observed
from bench.soak.report import report
from bench.soak.sampling import Key

HEALTHY = "Nothing leaks, every endpoint's p99 is under 100 ms"


def rising(level: float, an_hour: float) -> Points:
    return [(at, level + an_hour * at / HOUR) for at in range(0, 3600, 10)]


def answers(*seconds: float) -> Answers:
    """So many seconds each, over an hour."""
    times = [3600 * number / len(seconds) for number in range(len(seconds))]
    return Answers(array("d", times), array("d", seconds))


def observed(**changed: Any) -> Observed:
    """An hour in which all was well."""
    seen = Observed(
        agents=500,
        samples=241,
        seconds=HOUR,
        series={
            Key("registry", "memory"): rising(90 * MEGABYTE, 0.3 * MEGABYTE),
            Key("registry", "descriptors"): rising(40, 0),
            Key("registry", "threads"): rising(30, 0),
            Key("prometheus", "memory"): rising(300 * MEGABYTE, 150 * MEGABYTE),
            Key("prometheus", "descriptors"): rising(80, 0),
            Key("prometheus", "threads"): rising(12, 0),
            Key("postgres", "connections"): rising(14, 0),
            Key("postgres", "disk"): rising(10 * MEGABYTE, 6 * MEGABYTE),
        },
        answers={
            "GET /api/v1/agents": answers(*[0.01] * 1000),
            "GET /api/v1/alerts/receivers": answers(*[0.2] * 100),
        },
        ledger={
            **{"beats": 120_000, "p50": 0.004, "p99": 0.02, "slowest": 0.3, "scrapes": 180_000},
            **{"acknowledged": {"a": 60, "b": 60}, "refused": {}, "ended": []},
        },
        tables={"ai_metrics": 20_000_000, "audit": 5_000_000},
        snapshots=100_000,
    )
    return replace(seen, **changed)


def with_series(key: Key, points: Points) -> Observed:
    return observed(series={**observed().series, key: points})


def row(page: str, subject: str) -> str:
    (found,) = (line for line in page.splitlines() if line.startswith(f"| {subject} |"))
    return found


def test_an_hour_in_which_all_was_well_says_so() -> None:
    page = report(observed(), {"machine": "2 cores"})

    assert list(observed().faults()) == []
    assert HEALTHY in page
    assert "**500 simulated agents**" in page
    assert "| machine | 2 cores |" in page
    assert row(page, "registry").endswith("| flat |")
    assert "200 bytes each, 200 MB a million" in page


def test_a_leak_is_in_the_verdict_and_in_the_row_of_its_service() -> None:
    seen = with_series(Key("registry", "memory"), rising(90 * MEGABYTE, 12 * MEGABYTE))

    page = report(seen, {})

    assert HEALTHY not in page
    assert "- **registry: memory grows, by 12.0 MB an hour, 288.0 MB in 24 h**" in page
    assert row(page, "registry").endswith("| **grows: memory** |")


def test_connections_that_are_not_given_back_are_named() -> None:
    seen = with_series(Key("postgres", "connections"), rising(14, 12))

    assert list(seen.faults()) == ["postgres: connections grows, by 12.0 an hour, 288.0 in 24 h"]
    # Within minutes some come and go.
    assert list(replace(seen, seconds=90).faults()) == []


def test_what_grows_by_design_is_told_with_its_rate_and_its_end_and_is_no_leak() -> None:
    page = report(observed(), {})

    assert row(page, "postgres") == (
        "| postgres | 11.7 → 15.8 | +144 MB | snapshots after 7 days, audit and events after 90 |"
    )
    assert "by design: until its first block is cut" in row(page, "prometheus")


def test_prometheus_has_no_such_excuse_in_a_longer_run() -> None:
    assert list(observed(seconds=5 * HOUR).faults()) == [
        "prometheus: memory grows, by 150.0 MB an hour, 3600.0 MB in 24 h"
    ]


def test_an_endpoint_that_is_late_is_named_and_one_that_waits_for_others_is_not() -> None:
    late = {**observed().answers, "GET /late": answers(*[0.01] * 980, *[0.25] * 20)}
    seen = observed(answers=late)

    assert list(seen.faults()) == ["GET /late: p99 250 ms, over 100 ms"]
    assert "| `GET /late` | 1,000 | 10.0 | 250.0 | 250.0 |" in report(seen, {})


def test_heartbeats_that_are_answered_late_are_named() -> None:
    ledger = {**observed().ledger, "p99": 0.3}

    assert list(observed(ledger=ledger).faults()) == [
        "heartbeats of the simulated agents: p99 300 ms, over 100 ms"
    ]


def test_answers_that_come_later_from_hour_to_hour_are_seen() -> None:
    slower = answers(*(0.01 + 0.00004 * number for number in range(1000)))
    seen = observed(answers={"GET /": slower})

    assert list(seen.faults()) == ["the p99 of all requests grows, by 40.0 ms an hour"]
    assert "**grows**. In the worst minute 50 ms." in report(seen, {})


def test_all_that_fell_or_was_lost_is_a_fault() -> None:
    seen = observed(
        restarted=["sync"],
        failures=["GET /: 503"],
        lost=2,
        times_offline=1,
        scraped=0.9,
        fired={
            ("AgentDown", "simulated"): 3,
            ("AgentErrorRateHigh", "demo"): 9,
            ("AgentDown", "production"): 2,
            ("RegistryDown", ""): 1,
        },
    )

    assert list(seen.faults()) == [
        "sync was started again",
        "1 requests were not served, first GET /: 503",
        "2 snapshots were acknowledged and are not stored",
        "agents that beat were called offline 1 times",
        "10.0% of the scrapes of simulated agents failed",
        "AgentDown fired in simulated",
        "RegistryDown fired",
    ]
    assert "Alerts that fired: AgentDown (simulated), AgentErrorRateHigh (demo)," in report(
        seen, {}
    )
