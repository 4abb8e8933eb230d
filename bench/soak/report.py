"""A run as a page of Markdown: what ran, what grew and comes to what in a day, how late answers."""

from collections.abc import Iterator, Mapping, Sequence

from bench.soak.judge import MEGABYTE, Course
from bench.soak.observed import LIMIT_SECONDS, Observed, p99, told
from bench.soak.requests import OF_OTHERS
from bench.soak.sampling import Key, Quantity

DESIGN = {
    "prometheus": "until its first block is cut, after 2 to 3 hours",
    "postgres": "until each connection has met every table",
}
SLOWEST = 5
LARGEST = 4


def report(observed: Observed, machine: Mapping[str, str]) -> str:
    """The page; its verdict first."""
    parts = (
        _head(observed, machine),
        _verdict(observed),
        _services(observed),
        _disk(observed),
        _answers(observed),
        _health(observed),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(observed: Observed, machine: Mapping[str, str]) -> Iterator[str]:
    yield "# Stability"
    yield ""
    yield (
        f"`make soak` ran docker-compose.yml for {observed.seconds / 60:.0f} minutes with its five"
        f" demo agents and **{observed.agents} simulated agents**: one process that registers,"
        " beats every 15 s with a snapshot a minute, and is scraped every 10 s as"
        f" {observed.agents} agents of {observed.samples} samples each, rising. Beside it one"
        " client asked every endpoint in turn, reading and writing. What is simulated are the"
        " agents alone; they call no model."
    )
    yield ""
    yield from ("| | |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in machine.items())
    load = observed.courses().get(Key("machine", "load"))
    if load:
        yield f"| load average of the machine | {_levels(load)} |"


def _verdict(observed: Observed) -> Iterator[str]:
    faults = list(observed.faults())
    yield "## Verdict"
    yield ""
    if not faults:
        yield (
            "Nothing leaks, every endpoint's p99 is under 100 ms, no service was started again,"
            " no agent was called offline, nothing that was acknowledged is lost."
        )
    yield from (f"- **{fault}**" for fault in faults)


def _services(observed: Observed) -> Iterator[str]:
    courses = observed.courses()
    yield "## What each service holds"
    yield ""
    yield (
        "The first quarter of the time is left out. From first to last are the levels; the slopes"
        " are those of Theil and Sen; `24 h` is what they come to. Memory is what is the"
        " processes' own, without files and shared buffers. *grows*: more than 4 MB, 4 descriptors"
        " or 2 threads an hour, in the whole and in its later half."
    )
    yield ""
    yield "| service | memory, MB | an hour | 24 h | descriptors | an hour | threads | an hour | |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for service in dict.fromkeys(key.subject for key in courses):
        if Key(service, "memory") in courses:
            yield _service(observed, service, courses)
    yield from _connections(courses)


def _service(observed: Observed, service: str, courses: Mapping[Key, Course]) -> str:
    memory = courses[Key(service, "memory")]
    cells = [
        service,
        _levels(memory, MEGABYTE),
        f"{memory.an_hour / MEGABYTE:+.1f}",
        f"{memory.in_a_day / MEGABYTE:+.0f}",
    ]
    counted: tuple[Quantity, ...] = ("descriptors", "threads")
    for course in (courses[Key(service, quantity)] for quantity in counted):
        cells += [_levels(course), f"{course.an_hour:+.1f}"]
    growing = [key for key, each in courses.items() if key.subject == service and each.grows]
    leaks = [key.quantity for key in growing if not observed.is_by_design(key)]
    if leaks:
        verdict = f"**grows: {', '.join(leaks)}**"
    elif growing:
        verdict = f"by design: {DESIGN[service]}"
    else:
        verdict = "flat"
    return f"| {' | '.join([*cells, verdict])} |"


def _connections(courses: Mapping[Key, Course]) -> Iterator[str]:
    names = {"connections": "connections", "waiting": "connections idle in a transaction"}
    for quantity, name in names.items():
        course = courses.get(Key("postgres", quantity))  # type: ignore[arg-type]
        if course:
            yield ""
            yield (
                f"PostgreSQL's {name}: {_levels(course)}, {told(quantity, course)}:"
                f" {'**grows**' if course.grows else 'flat'}."
            )


def _levels(course: Course, unit: float = 1.0) -> str:
    digits = 1 if unit > 1 or course.first != int(course.first) else 0
    return f"{course.first / unit:.{digits}f} → {course.last / unit:.{digits}f}"


def _disk(observed: Observed) -> Iterator[str]:
    courses = observed.courses()
    yield "## What grows by design"
    yield ""
    ends = {
        Key("postgres", "disk"): "snapshots after 7 days, audit and events after 90",
        Key("postgres", "log"): "at `max_wal_size`, 1 GB",
        Key("prometheus", "disk"): "after 90 days or at 8 GB; until the first block, a log of all",
    }
    names = {"disk": "", "log": ", its log of changes"}
    found = [key for key in ends if key in courses]
    if found:
        yield from ("| on disk | MB | a day | ends |", "|---|---|---|---|")
    for key in found:
        course = courses[key]
        day = f"{course.in_a_day / MEGABYTE:+.0f} MB"
        name = f"{key.subject}{names[key.quantity]}"
        yield f"| {name} | {_levels(course, MEGABYTE)} | {day} | {ends[key]} |"
    stored = observed.tables.get("ai_metrics", 0)
    if observed.snapshots:
        yield ""
        yield (
            f"{observed.snapshots:,} snapshots take {stored / MEGABYTE:.0f} MB with their index:"
            f" {stored / observed.snapshots:.0f} bytes each,"
            f" {stored / observed.snapshots:.0f} MB a million. The largest tables:"
            f" {_largest(observed.tables)}; audit, events and revisions of rules are those of the"
            " client that changes everything all the time."
        )


def _largest(tables: Mapping[str, int]) -> str:
    first = sorted(tables.items(), key=lambda each: -each[1])[:LARGEST]
    return ", ".join(f"{name} {size / MEGABYTE:.0f} MB" for name, size in first)


def _answers(observed: Observed) -> Iterator[str]:
    count = sum(len(each.at) for each in observed.answers.values())
    judged = {name: a for name, a in observed.answers.items() if name not in OF_OTHERS}
    slowest = sorted(judged, key=lambda name: -p99(judged[name].seconds))
    yield "## How late it answers"
    yield ""
    yield (
        f"{count:,} requests, {count / max(observed.seconds, 1):.0f} a second, to"
        f" {len(observed.answers)} operations, beside {observed.ledger.get('beats', 0):,}"
        f" heartbeats. p99 is over {LIMIT_SECONDS * 1e3:.0f} ms for"
        f" {len(observed.slow()) or 'none'} of them. The slowest:"
    )
    yield ""
    yield from _answer_table(observed, slowest[:SLOWEST])
    drift = observed.p99_course()
    if drift:
        yield ""
        yield (
            f"The p99 of each minute, over all of them: {drift.first * 1e3:.0f} →"
            f" {drift.last * 1e3:.0f} ms, {drift.an_hour * 1e3:+.1f} ms an hour:"
            f" {'**grows**' if drift.grows else 'flat'}. In the worst minute"
            f" {max(value for _, value in observed.p99_by_minute()) * 1e3:.0f} ms."
        )
    others = [name for name in OF_OTHERS if name in observed.answers]
    if others:
        yield ""
        yield "These wait for another server, and nothing is promised of them:"
        yield ""
        yield from _answer_table(observed, others)


def _answer_table(observed: Observed, names: Sequence[str]) -> Iterator[str]:
    yield from (
        "| operation | requests | median, ms | p99, ms | slowest, ms |",
        "|---|---|---|---|---|",
    )
    for name in names:
        seconds = sorted(observed.answers[name].seconds)
        times = (seconds[len(seconds) // 2], p99(seconds), seconds[-1])
        cells = " | ".join(f"{each * 1e3:.1f}" for each in times)
        yield f"| `{name}` | {len(seconds):,} | {cells} |"
    ledger = observed.ledger
    if ledger.get("beats") and names and names[0] not in OF_OTHERS:
        cells = " | ".join(f"{ledger[name] * 1e3:.1f}" for name in ("p50", "p99", "slowest"))
        yield f"| heartbeats of the simulated agents | {ledger['beats']:,} | {cells} |"


def _health(observed: Observed) -> Iterator[str]:
    ledger = observed.ledger
    refused = sum(ledger.get("refused", {}).values())
    acknowledged = sum(ledger.get("acknowledged", {}).values())
    fired = [
        f"{name}{f' ({environment})' if environment else ''}"
        for name, environment in observed.fired
    ]
    yield "## Whether it was well"
    yield ""
    yield f"- Started again: {', '.join(observed.restarted) or 'no service'}."
    yield f"- Simulated agents called offline, which all beat: {observed.times_offline or 'none'}."
    yield f"- Scrapes of them: {ledger.get('scrapes', 0):,}; {observed.scraped:.3%} succeeded."
    yield (
        f"- Snapshots acknowledged: {acknowledged:,}, lost: {observed.lost or 'none'};"
        f" requests of agents that were refused or not answered, and sent again: {refused}."
    )
    yield f"- Requests that were not served: {len(observed.failures) or 'none'}."
    yield f"- Alerts that fired: {', '.join(fired) or 'none'}. Some calls of the demo are to fail."
    if observed.troubles:
        yield f"- Looks that failed: {len(observed.troubles)}, first {observed.troubles[0]}."
