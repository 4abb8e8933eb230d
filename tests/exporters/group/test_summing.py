"""What the sum over processes means, metric by metric, and that it is bounded."""

from pulseguard.catalog import (
    AGENT_METRICS,
    CONTEXT_TOKENS,
    EXECUTE_TOOL_DURATION,
    LAST_ACTIVITY,
    TASKS,
    TASKS_IN_PROGRESS,
    TASKS_PENDING,
    AgentState,
    Metric,
)
from pulseguard.group.part_file import decode, encode
from pulseguard.group.summing import Sum, telling_state
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.series import HistogramReading, Series
from pulseguard.recording.task_queue import Pending
from pulseguard.recording.whole import Part, Whole


class Process:
    """One process that has recorded something."""

    def __init__(self, at: float = 0.0) -> None:
        self.recorder = Recorder(Series(AGENT_METRICS, "lean", 1000), wall_clock=lambda: at)

    def task(self, times: int = 1) -> "Process":
        for _ in range(times):
            self.recorder.work.task_began()
            self.recorder.work.task_ended("completed", 1.0, None)
        return self

    def tool(self, name: str) -> "Process":
        self.recorder.work.tool_began()
        self.recorder.work.tool_ended(name, "function", 0.5, None)
        return self

    def part(self) -> Part:
        return Whole(self.recorder).read()


def summed(*parts: Part, ended: bool = False) -> Part:
    total = Sum(AGENT_METRICS, "lean", 1000)
    return total.ended(parts) if ended else total.living(parts)


def value(part: Part, metric: Metric, *labels: str) -> float | None:
    for found, reading in part.readings.get(metric.name, ()):
        if found == labels:
            return reading.total if isinstance(reading, HistogramReading) else reading
    return None


def test_counters_and_what_is_in_progress_are_added() -> None:
    first, second = Process(at=1.0).task(3), Process(at=2.0).task(4)
    first.recorder.work.task_began()
    second.recorder.work.task_began()

    both = summed(first.part(), second.part())

    assert value(both, TASKS, "completed") == 7
    assert value(both, TASKS_IN_PROGRESS) == 2


def test_of_the_ended_amounts_of_now_are_gone_and_facts_stay() -> None:
    process = Process(at=5.0).task(3)
    process.recorder.work.task_began()
    process.recorder.queue.tell(Pending(7, 3.0))
    with process.recorder.series.lock:
        process.recorder.series.number(CONTEXT_TOKENS, "m").value = 900

    ended = summed(process.part(), ended=True)

    assert value(ended, TASKS, "completed") == 3
    assert value(ended, TASKS_IN_PROGRESS) is None
    assert value(ended, TASKS_PENDING) is None
    assert value(ended, LAST_ACTIVITY) == 5.0
    assert value(ended, CONTEXT_TOKENS, "m") == 900


def test_the_latest_context_is_that_of_the_process_that_moved_last() -> None:
    early, late = Process(at=10.0).task(), Process(at=20.0).task()
    for process, tokens in ((early, 5000), (late, 70)):
        with process.recorder.series.lock:
            process.recorder.series.number(CONTEXT_TOKENS, "m").value = tokens
            process.recorder.calls.last_context_tokens = tokens

    for parts in ((early.part(), late.part()), (late.part(), early.part())):
        both = summed(*parts)
        assert value(both, CONTEXT_TOKENS, "m") == 70
        assert both.context_tokens == 70
        assert value(both, LAST_ACTIVITY) == 20.0


def test_the_state_is_the_one_that_says_most() -> None:
    told: list[tuple[set[AgentState], AgentState]] = [
        ({"idle", "working"}, "working"),
        ({"idle", "draining"}, "idle"),
        ({"waiting", "working"}, "working"),
        ({"working", "stuck"}, "stuck"),
        ({"stuck", "failed"}, "failed"),
        ({"draining"}, "draining"),
    ]

    assert [telling_state(states) for states, _ in told] == [state for _, state in told]


def test_the_sum_is_bounded_though_every_process_brings_names_of_its_own() -> None:
    total = Sum(AGENT_METRICS, "lean", 1000)
    ended: list[Part] = []
    names: set[tuple[str, ...]] = set()
    observed = 0

    for number in range(60):
        process = Process(at=float(number))
        for tool in range(10):
            process.tool(f"tool-{number}-{tool}")
            observed += 1
        ended = [total.ended([*ended, process.part()])]
        names |= {labels for labels, _ in ended[0].readings[EXECUTE_TOOL_DURATION.name]}

    (last,) = ended
    found = last.readings[EXECUTE_TOOL_DURATION.name]
    counts = [sum(reading.counts) for _, reading in found if isinstance(reading, HistogramReading)]
    assert sum(counts) == observed
    assert len(found) == len(names) <= EXECUTE_TOOL_DURATION.max_label_sets + 2


def test_a_label_set_kept_apart_stays_so_when_its_process_ends() -> None:
    total = Sum(AGENT_METRICS, "lean", 1000)
    processes = [Process(at=float(number)) for number in range(20)]
    for number, process in enumerate(processes):
        for tool in range(10):
            process.tool(f"tool-{number}-{tool}")
    parts = [process.part() for process in processes]

    before = dict(total.living(parts).readings[EXECUTE_TOOL_DURATION.name])
    after = dict(total.living(reversed(parts)).readings[EXECUTE_TOOL_DURATION.name])

    assert before == after


def test_what_is_written_down_is_read_as_it_was() -> None:
    process = Process(at=3.0).task(2).tool("search")
    own = Metric("agent_pages_total", "counter", "Pages.", ("kind",), buckets=(), optional=True)
    process.recorder.series.add(own)
    with process.recorder.series.lock:
        process.recorder.series.number(own, "pdf").value = 4
    part = process.part()

    found = decode(encode(part, process.recorder.series.metrics, ["1.a"]))

    assert found.part == part._replace(
        changes=0, readings={name: each for name, each in part.readings.items() if each}
    )
    assert found.own_metrics == (own,)
    assert found.includes == ("1.a",)
