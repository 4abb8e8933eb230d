"""A measured call and the streams that carry it: ended once, wherever and by whomever."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pulseguard import Agent
from pulseguard.catalog import CALLS_IN_PROGRESS, ERRORS, EXPORTER_FAILURES, OPERATION_DURATION
from pulseguard.instrumentation.measured import MeasuredCall, Meter
from pulseguard.instrumentation.methods import measured
from pulseguard.instrumentation.streams import MeasuredIterator
from pulseguard.recording.model_series import CallNames
from pulseguard.recording.usage import Usage
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total

CALLS = f"{OPERATION_DURATION.name}_count"
SECONDS = f"{OPERATION_DURATION.name}_sum"


@pytest.fixture
def agent(make_agent: MakeAgent) -> Agent:
    made = make_agent(strict=False)
    made.start()
    return made


@pytest.fixture
def meter(agent: Agent) -> Meter:
    made = Meter("a library")
    made.active, made.agent = True, agent
    return made


def begun(meter: Meter) -> MeasuredCall:
    call = meter.begin(lambda: ("chat", "somebody", "a-model"))
    assert call is not None
    return call


def see_all(call: MeasuredCall, chunk: object) -> bool:
    return True


def test_a_stream_collected_while_this_thread_records_is_counted_with_the_next_scrape(
    agent: Agent, meter: Meter
):
    stream = MeasuredIterator(iter([1, 2, 3]), begun(meter), see_all)
    next(stream)

    # As when the garbage collector runs within a recording.
    with agent._recorder.series.lock:
        del stream
        gc.collect()

    text = scrape(agent)
    assert total(text, CALLS) == 1
    assert total(text, CALLS_IN_PROGRESS) == 0


def test_a_stream_that_nobody_holds_any_more_lasted_until_its_last_chunk(
    agent: Agent, meter: Meter
):
    stream = MeasuredIterator(iter([1, 2, 3]), begun(meter), see_all)
    next(stream)
    forgotten = time.perf_counter()
    while time.perf_counter() - forgotten < 0.2:
        pass

    del stream

    assert total(scrape(agent), SECONDS) < 0.1


def test_a_call_that_is_ended_in_many_ways_counts_once(agent: Agent, meter: Meter):
    call = begun(meter)
    stream = MeasuredIterator(iter([1]), call, see_all)

    assert list(stream) == [1]
    call.end(OSError())
    call.drop()
    del stream

    text = scrape(agent)
    assert total(text, CALLS) == 1
    assert total(text, ERRORS) == 0
    assert total(text, EXPORTER_FAILURES) == 0


def test_what_is_asked_of_the_iterator_inside_is_answered_by_it(meter: Meter):
    def chunks() -> Iterator[int]:
        yield 1
        yield 2

    stream: Any = MeasuredIterator(chunks(), begun(meter), see_all)

    assert iter(stream) is stream
    assert next(stream) == 1
    stream.close()
    assert stream.gi_frame is None
    assert list(stream) == []


def test_a_failing_look_at_a_chunk_is_the_exporters_failure_alone(agent: Agent, meter: Meter):
    def fails(call: MeasuredCall, chunk: object) -> bool:
        raise KeyError(chunk)

    assert list(MeasuredIterator(iter([1, 2]), begun(meter), fails)) == [1, 2]

    text = scrape(agent)
    assert total(text, EXPORTER_FAILURES, operation="look at a chunk") == 2
    assert total(text, CALLS) == 1


class Broken:
    """An endpoint of which nothing works."""

    def __init__(self, names: CallNames | None) -> None:
        self._names = names

    def names(self, resource: Any, arguments: Any) -> CallNames:
        if self._names is None:
            raise KeyError
        return self._names

    def request(self, resource: Any, arguments: Any) -> Any:
        raise KeyError

    def answer(self, call: Any, answer: Any, arguments: Any, sent: Any) -> bool:
        raise KeyError


class Client:
    def ask(self, *, about: str, stream: bool = False) -> str:
        if about == "failure":
            raise FAILURE
        return f"about {about}"


FAILURE = LookupError("the very one")


def test_an_endpoint_of_which_nothing_works_changes_nothing_for_the_caller(
    agent: Agent, meter: Meter
):
    ask = measured(Client.ask, meter, Broken(("chat", "somebody", "a-model")))

    assert ask(Client(), about="boats", stream=True) == "about boats"

    text = scrape(agent)
    assert (total(text, CALLS), total(text, CALLS_IN_PROGRESS)) == (1, 0)
    assert total(text, EXPORTER_FAILURES) == 2


def test_a_call_whose_token_counts_are_impossible_is_counted_and_over(agent: Agent, meter: Meter):
    call = begun(meter)
    call.usage = Usage(10**30, 5)
    call.end()

    text = scrape(agent)
    assert (total(text, CALLS), total(text, CALLS_IN_PROGRESS)) == (1, 0)
    assert total(text, EXPORTER_FAILURES) == 1


def test_a_call_that_cannot_be_named_passes_through(agent: Agent, meter: Meter):
    ask = measured(Client.ask, meter, Broken(None))

    assert ask(Client(), about="boats") == "about boats"
    assert total(scrape(agent), CALLS) == 0


def test_an_exception_is_the_very_one_and_shows_where_it_came_from(agent: Agent, meter: Meter):
    ask = measured(Client.ask, meter, Broken(("chat", "somebody", "a-model")))

    with pytest.raises(LookupError) as raised:
        ask(Client(), about="failure")

    assert raised.value is FAILURE
    assert raised.traceback[-1].name == "ask"
    assert total(scrape(agent), ERRORS) == 1
