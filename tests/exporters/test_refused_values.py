"""What cannot be recorded is refused, counted, and changes nothing else."""

import math
from typing import Any

import pytest

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    EVALUATION_SCORE,
    EXPORTER_FAILURES,
    HTTP_CLIENT_DURATION,
    OPERATION_DURATION,
    TOKENS,
)
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total

HOSTILE = [math.nan, math.inf, -1, "many", "", None, [], 10**400, object(), True, b"1"]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_what_is_no_measurement_is_refused_and_counted(make_agent: MakeAgent, value: Any) -> None:
    agent = make_agent(strict=False)
    agent.start()

    agent.evaluation("accuracy", value)
    with agent.llm_call(model="gpt-4o") as call:
        call.usage(input_tokens=value)
        call.usage(output_tokens=3)
        call.context(tokens=value, window=value)
        call.retries(value)
    with agent.api_call("host") as outbound:
        outbound.status(value)

    text = scrape(agent)
    unknown_is_allowed = 0 if value is None else 1
    assert total(text, EXPORTER_FAILURES, operation="record an evaluation") == 1
    assert total(text, EXPORTER_FAILURES, operation="record token usage") == unknown_is_allowed
    assert total(text, EXPORTER_FAILURES, operation="record a context") == unknown_is_allowed
    assert total(text, EXPORTER_FAILURES, operation="record retries") == 1
    assert total(text, EXPORTER_FAILURES, operation="record a status") == 1
    assert total(text, TOKENS) == 3
    assert total(text, f"{OPERATION_DURATION.name}_count") == 1
    assert total(text, f"{HTTP_CLIENT_DURATION.name}_count") == 1
    assert total(text, f"{EVALUATION_SCORE.name}_count") == 0


def test_what_was_given_instead_of_a_number_is_in_no_log(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False)
    prompt: Any = "the text of a prompt"

    agent.evaluation("accuracy", prompt)
    with agent.llm_call(model="gpt-4o") as call:
        call.usage(input_tokens=prompt)

    assert "score=str is not recorded" in caplog.text
    assert prompt not in caplog.text


def test_strict_raises_what_would_be_counted(make_agent: MakeAgent) -> None:
    agent = make_agent()

    with pytest.raises(ValueError, match="score=2 is not recorded"):
        agent.evaluation("accuracy", 2)


def test_cached_tokens_beyond_the_input_are_told_and_the_rest_kept(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False)
    agent.start()

    with agent.llm_call(model="claude") as call:
        call.usage(input_tokens=10, cache_read_tokens=90, output_tokens=1)

    text = scrape(agent)
    assert total(text, TOKENS, gen_ai_token_type="cache_read") == 90
    assert total(text, TOKENS) == 91
    assert total(text, EXPORTER_FAILURES, operation="record an end") == 1


def test_a_block_is_for_one_use(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False)
    agent.start()
    call = agent.llm_call(model="gpt-4o")

    for _ in range(2):
        with call:
            pass
    call.usage(input_tokens=5)

    text = scrape(agent)
    assert total(text, f"{OPERATION_DURATION.name}_count") == 1
    assert total(text, CALLS_IN_PROGRESS) == 0
    assert total(text, TOKENS) == 0
    assert total(text, EXPORTER_FAILURES) == 3
