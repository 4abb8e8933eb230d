"""What is known of the surroundings: the call that is open, and the agent that is working."""

from collections.abc import Generator
from contextvars import Context

from pulseguard.catalog import CALLS_WITHOUT_USAGE, OPERATION_DURATION, TOKENS
from pulseguard.current import current_agent
from pulseguard.recording.calls import OPEN_CALL
from pulseguard.recording.usage import Usage
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total


def test_what_is_learned_within_an_open_call_is_its_usage(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call("openai", "gpt-4o"):
        open_call = OPEN_CALL.get()
        assert open_call is not None
        open_call.found_usage(Usage(input=10, output=2))
        open_call.found_usage(Usage(input=5, cache_read=1))

    assert OPEN_CALL.get() is None
    text = scrape(agent)
    assert total(text, TOKENS, gen_ai_token_type="input") == 14
    assert total(text, TOKENS, gen_ai_token_type="cache_read") == 1
    assert total(text, TOKENS, gen_ai_token_type="output") == 2


def test_what_the_agent_says_itself_goes_before_what_is_found(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call("openai", "gpt-4o") as call:
        call.usage(input_tokens=7)
        call.found_usage(Usage(input=10, output=2))

    assert total(scrape(agent), TOKENS) == 7


def test_an_answered_call_without_token_counts_is_counted_as_such(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call("openai", "gpt-4o"):
        pass
    with agent.llm_call("openai", "gpt-4o") as refused:
        refused.error("rate_limit")
    with agent.llm_call("openai", "gpt-4o") as cut_off:
        cut_off.first_chunk()
        cut_off.error("network")

    text = scrape(agent)
    assert total(text, CALLS_WITHOUT_USAGE, gen_ai_request_model="gpt-4o") == 2
    assert total(text, f"{OPERATION_DURATION.name}_count") == 3


def test_the_current_agent_is_the_one_at_work_here_else_the_one_started_last(
    make_agent: MakeAgent,
) -> None:
    first, second = make_agent(name="first"), make_agent(name="second")
    assert current_agent() is None
    first.start()
    second.start()
    assert current_agent() is second

    with first.task():
        assert current_agent() is first
        with second.task():
            assert current_agent() is second
        assert current_agent() is first

    second.stop()
    assert current_agent() is first
    first.stop()
    assert current_agent() is None


def test_a_call_that_ends_after_a_later_one_began_leaves_that_one_open(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()
    with agent.llm_call("openai", "around") as around:
        first, second = agent.llm_call("openai", "first"), agent.llm_call("openai", "second")
        first.__enter__()
        second.__enter__()

        first.__exit__(None, None, None)
        after_first = OPEN_CALL.get()
        second.__exit__(None, None, None)
        after_second = OPEN_CALL.get()

    assert (after_first, after_second, OPEN_CALL.get()) == (second, around, None)


def test_a_stream_closed_within_somebody_elses_call_leaves_that_call_open(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()

    def stream() -> Generator[int, None, None]:
        with agent.llm_call("openai", "streamed"):
            yield 1

    chunks = stream()
    Context().run(next, chunks)
    with agent.llm_call("openai", "gpt-4o") as call:
        chunks.close()

        assert OPEN_CALL.get() is call
        assert agent.this_call() is call


def test_a_context_in_which_a_call_was_left_open_forgets_it_with_the_next(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()
    left = agent.llm_call("openai", "left")
    context = Context()
    context.run(left.__enter__)
    left.__exit__(None, None, None)

    def call_again() -> None:
        assert agent.this_call() is not left
        with agent.llm_call("openai", "gpt-4o") as call:
            assert call._outer is None

    context.run(call_again)

    assert context[OPEN_CALL] is None
