"""However many wrappers, blocks and calls of `instrument` there are around it: one call is one."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest
from openai import OpenAI
from openai.resources.chat.completions.completions import Completions

import pulseguard
from pulseguard import Agent
from pulseguard.catalog import CALLS_IN_PROGRESS, CALLS_WITHOUT_USAGE, OPERATION_DURATION, TOKENS
from tests.exporters.observing import scrape, total

HELLO: Any = [{"role": "user", "content": "Tell me something."}]
CALLS = f"{OPERATION_DURATION.name}_count"


def ask(client: OpenAI, **parameters: Any) -> Any:
    return client.chat.completions.create(model="gpt-4o", messages=HELLO, **parameters)


def tokens_of(*answers: Any) -> int:
    return sum(answer.usage.total_tokens for answer in answers)


def test_a_call_by_hand_around_it_is_the_one_that_counts_and_learns_the_tokens(
    agent: Agent, client: OpenAI
):
    with agent.llm_call("by hand", "my-model"):
        answer = ask(client)

    text = scrape(agent)
    assert total(text, CALLS) == total(text, CALLS, gen_ai_request_model="my-model") == 1
    assert total(text, TOKENS, gen_ai_provider_name="by hand") == tokens_of(answer)
    assert total(text, TOKENS) == tokens_of(answer)
    assert total(text, CALLS_IN_PROGRESS) == 0


def test_a_call_by_hand_around_several_has_the_tokens_of_all(agent: Agent, client: OpenAI):
    with agent.llm_call("by hand", "my-model"):
        answers = [ask(client), ask(client)]
        list(ask(client, stream=True))

    text = scrape(agent)
    assert total(text, CALLS) == 1
    assert total(text, TOKENS) == tokens_of(*answers)


def test_a_call_by_hand_that_has_ended_takes_no_more_calls_in(agent: Agent, client: OpenAI):
    async def main() -> None:
        with agent.llm_call("by hand", "my-model"):
            later = asyncio.create_task(ask_later())
        await later

    async def ask_later() -> None:
        ask(client)

    asyncio.run(main())

    assert total(scrape(agent), CALLS) == 2


def test_tokens_told_by_hand_go_before_those_found(agent: Agent, client: OpenAI):
    with agent.llm_call("by hand", "my-model") as call:
        ask(client)
        call.usage(input_tokens=1)

    assert total(scrape(agent), TOKENS) == 1


def test_instrumenting_again_counts_no_more(agent: Agent, client: OpenAI):
    create = Completions.create
    for _ in range(3):
        assert pulseguard.instrument("openai") == ("openai",)

    answer = ask(client)

    text = scrape(agent)
    assert Completions.create is create
    assert total(text, CALLS) == 1
    assert total(text, TOKENS) == tokens_of(answer)


@pytest.mark.parametrize("tells", [True, False])
def test_a_wrapper_of_somebody_else_changes_nothing(
    agent: Agent, client: OpenAI, monkeypatch: pytest.MonkeyPatch, tells: bool
):
    pulseguard.uninstrument("openai")
    with monkeypatch.context() as patch:
        pulseguard.instrument("openai")
        ours = Completions.create

        def theirs(*args: Any, **kwargs: Any) -> Any:
            return ours(*args, **kwargs)

        patch.setattr(Completions, "create", functools.wraps(ours)(theirs) if tells else theirs)
        pulseguard.uninstrument("openai")
        ask(client)
        unmeasured = total(scrape(agent), CALLS)
        pulseguard.instrument("openai")
        answer = ask(client)

        text = scrape(agent)
        assert unmeasured == 0
        assert total(text, CALLS) == 1
        assert total(text, TOKENS) == tokens_of(answer)
        pulseguard.uninstrument("openai")
        if not tells:
            assert Completions.create is theirs


def test_a_helper_that_calls_another_method_counts_once(agent: Agent, client: OpenAI):
    with client.chat.completions.stream(model="gpt-4o", messages=HELLO) as stream:
        stream.until_done()
    client.chat.completions.parse(model="gpt-4o", messages=HELLO)
    with client.responses.stream(model="gpt-4o", input="Hello.") as events:
        events.until_done()

    assert total(scrape(agent), CALLS) == 3
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 1


def test_the_agent_of_the_open_task_gets_the_call_else_the_one_that_was_named(
    agent: Agent, client: OpenAI, make_agent: Any
):
    other = make_agent(name="other")
    other.start()
    with agent.task():
        ask(client)
    ask(client)
    pulseguard.instrument("openai", agent=agent)
    ask(client)

    assert total(scrape(agent), CALLS) == 2
    assert total(scrape(other), CALLS) == 1


def test_without_an_agent_a_call_passes_through_and_one_line_says_so(
    agent: Agent, client: OpenAI, caplog: pytest.LogCaptureFixture
):
    agent.stop(timeout_seconds=0)

    answers = [ask(client), ask(client)]

    assert all(answer.choices for answer in answers)
    assert [line for line in caplog.messages if "no agent" in line] == [
        "a call of openai is not recorded: no agent has been started; call agent.start()"
    ]


def test_after_uninstrument_the_methods_are_the_very_ones_of_before(client: OpenAI):
    before = Completions.__dict__["create"]
    pulseguard.instrument("openai")
    assert Completions.__dict__["create"] is not before

    pulseguard.uninstrument("openai")

    assert Completions.__dict__["create"] is before
