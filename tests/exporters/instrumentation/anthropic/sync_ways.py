"""Every way of asking the synchronous client, and every way of leaving its answer."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from typing import Any

from anthropic import Anthropic, BaseModel, beta_tool

from tests.exporters.instrumentation.anthropic.asking import ASKED, asked, cached
from tests.exporters.instrumentation.anthropic.seeing import Seen, attempted, shown

Messages = Any  # messages and beta messages, of either major version
Way = Callable[[Messages, dict[str, Any], Seen], None]


class Weather(BaseModel):
    """What `parse` is to find."""

    city: str
    degrees: int


def create(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    seen.append(shown(messages.create(**parameters)))


def events(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    stream = messages.create(**parameters, stream=True)
    seen.append([type(stream).__qualname__, stream.response.status_code])
    for event in stream:
        seen.append(shown(event))


def helper(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.stream(**parameters) as stream:
        seen.append(type(stream).__qualname__)
        for event in stream:
            seen.append(shown(event))
        seen.append(shown(stream.get_final_message()))


def texts(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.stream(**parameters) as stream:
        seen += [*stream.text_stream, stream.get_final_text()]


def final(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.stream(**parameters) as stream:
        seen.append(shown(stream.get_final_message()))


def parse(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    answer = messages.parse(**parameters, output_format=Weather)
    seen += [shown(answer), shown(answer.parsed_output)]


def raw_whole(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    answer = messages.with_raw_response.create(**parameters)
    seen += [type(answer).__qualname__, answer.status_code, shown(answer.parse())]
    assert answer.parse() is answer.parse()


def raw_unparsed(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    answer = messages.with_raw_response.create(**parameters)
    seen += [answer.status_code, answer.text()]


def raw_events(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    answer = messages.with_raw_response.create(**parameters, stream=True)
    seen.append(answer.status_code)
    for event in answer.parse():
        seen.append(shown(event))


def streamed_whole(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.with_streaming_response.create(**parameters) as answer:
        seen += [type(answer).__qualname__, shown(answer.parse())]


def streamed_text(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.with_streaming_response.create(**parameters) as answer:
        seen.append(answer.text())


def counted(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    asked_for = {key: parameters[key] for key in ("model", "messages")}
    seen.append(shown(messages.count_tokens(**asked_for)))


def tool_runner(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    @beta_tool
    def search(query: str) -> str:
        """Search for something."""
        return f"found {query}"

    for answer in messages.tool_runner(**parameters, tools=[search]):
        seen.append(shown(answer))


def closed(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    stream = messages.create(**parameters, stream=True)
    seen += [shown(next(stream)), shown(next(stream))]
    stream.close()


def forgotten(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    for event in messages.create(**parameters, stream=True):
        seen.append(shown(event))
        if len(seen) == 3:
            break


def failed_over(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.stream(**parameters) as stream:
        seen.append(shown(next(stream)))
        raise KeyError("a mistake of the caller's own")


def left(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.stream(**parameters) as stream:
        seen += [shown(next(stream)), shown(next(stream))]


def unread(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    seen.append(type(messages.create(**parameters, stream=True)).__qualname__)


def unread_closed(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    messages.create(**parameters, stream=True).close()


def unread_left(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    with messages.stream(**parameters) as stream:
        seen.append(type(stream).__qualname__)


WHOLE: dict[str, Way] = {"create": create, "events": events, "stream": helper}
BETA: dict[str, Way] = {**WHOLE, "parse": parse, "tool runner": tool_runner, "count": counted}
RAW: dict[str, Way] = {
    "raw": raw_whole,
    "raw unparsed": raw_unparsed,
    "raw events": raw_events,
    "streamed": streamed_whole,
    "streamed text": streamed_text,
}
OTHERS: dict[str, Way] = {
    **RAW,
    "parse": parse,
    "texts": texts,
    "final": final,
    "count": counted,
}
LEAVING: dict[str, Way] = {
    "closed": closed,
    "forgotten": forgotten,
    "left": left,
    "failed over": failed_over,
    "unread": unread,
    "unread closed": unread_closed,
    "unread left": unread_left,
}


def sync_scenarios(quick: str, slow: str) -> dict[str, Callable[[], Seen]]:
    """By name; answers of the server at `slow` take long enough to be left half-way."""
    client = Anthropic(base_url=quick, api_key="none", max_retries=0, timeout=5)
    found: dict[str, Callable[[], Seen]] = {}

    def add(scenario: str, run: Way, messages: Messages, *calls: dict[str, Any]) -> None:
        wanted = list(calls) or [asked("ok", scenario)]
        found[scenario] = partial(_run, run, messages, wanted)

    for way, run in WHOLE.items():
        for name, (_, _, retries) in ASKED.items():
            scenario = f"sync {way}: {name}"
            messages = client.with_options(max_retries=retries).messages
            add(scenario, run, messages, asked(name, scenario))
        scenario = f"sync {way}: cached"
        add(scenario, run, client.messages, cached(scenario, 0), cached(scenario, 1))
    for way, run in BETA.items():
        add(f"sync beta {way}: ok", run, client.beta.messages)
    for way, run in OTHERS.items():
        add(f"sync {way}: ok", run, client.messages)
    for way, run in RAW.items():
        scenario = f"sync {way}: cut"
        add(scenario, run, client.messages, asked("cut", scenario))
    patient = Anthropic(base_url=slow, api_key="none", max_retries=0, timeout=5)
    for way, run in LEAVING.items():
        add(f"sync {way}: left", run, patient.messages)
    return found


def _run(run: Way, messages: Messages, calls: list[dict[str, Any]]) -> Seen:
    seen: Seen = []
    for parameters in calls:
        attempted(seen, partial(run, messages, parameters))
    if run in LEAVING.values():
        gc.collect()
    return seen
