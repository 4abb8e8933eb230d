"""How full the context windows of models are: known without a word of the agent's."""

import sys
from pathlib import Path

import pytest

from pulseguard.catalog import (
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    CONTEXT_WINDOW_USED,
    COST,
    TOKENS,
    UNPRICED_TOKENS,
)
from pulseguard.recording.usage import Usage
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, total, wait_until
from tests.exporters.priced import call, write_prices

USED = CONTEXT_WINDOW_USED.name
OF_GPT = {"gen_ai_request_model": "gpt-4o"}
# What `call` puts into a context, and what gpt-4o takes.
SHARE = 1000 / 128_000


def test_the_window_is_looked_up_and_calls_before_that_count(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    call(agent, "openai", "gpt-4o", times=3)
    first = scrape(agent)
    call(agent, "openai", "gpt-4o")
    second = scrape(agent)

    assert total(first, CONTEXT_WINDOW_LIMIT, **OF_GPT) == 128_000
    assert [total(text, f"{USED}_count", **OF_GPT) for text in (first, second)] == [3, 4]
    assert total(second, f"{USED}_sum", **OF_GPT) == pytest.approx(4 * SHARE)


def test_a_model_that_nobody_knows_has_no_window(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    call(agent, "here", "mine")

    text = scrape(agent)
    assert total(text, CONTEXT_TOKENS) == 1000
    assert CONTEXT_WINDOW_LIMIT.name not in text
    assert USED not in text


def test_all_calls_before_the_first_scrape_count_however_many(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    for tokens in range(0, 130_000, 50):
        with agent.llm_call("openai", "gpt-4o") as asked:
            asked.usage(input_tokens=tokens)

    text = scrape(agent)
    shares = [tokens / 128_000 for tokens in range(0, 130_000, 50)]
    for bound in CONTEXT_WINDOW_USED.buckets:
        below = total(text, f"{USED}_bucket", le=str(bound), **OF_GPT)
        # To within 1 % of the size.
        assert sum(s <= bound * 0.99 for s in shares) <= below
        assert below <= sum(s <= bound * 1.01 for s in shares)
    assert total(text, f"{USED}_count") == len(shares)
    assert total(text, f"{USED}_sum") == pytest.approx(sum(shares))


def test_an_own_window_needs_no_price_and_no_extra(
    make_agent: MakeAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    facts = {"mine": {"context_window": 2000}}
    agent = make_agent(prices_file=write_prices(tmp_path, facts))
    agent.start()

    call(agent, "", "mine")

    text = scrape(agent)
    assert total(text, f"{USED}_sum", gen_ai_request_model="mine") == 0.5
    assert total(text, UNPRICED_TOKENS, gen_ai_request_model="mine", reason="no_price") == 1460


def test_an_own_window_leaves_the_price_of_the_table_and_an_own_price_its_window(
    make_agent: MakeAgent, tmp_path: Path
) -> None:
    facts = {"gpt-4o": {"context_window": 4000}, "gpt-4o-mini": {"input": 1, "output": 0}}
    agent = make_agent(prices_file=write_prices(tmp_path, facts))
    agent.start()

    for model in facts:
        call(agent, "openai", model)

    text = scrape(agent)
    assert total(text, f"{USED}_sum", **OF_GPT) == 0.25
    assert total(text, COST, **OF_GPT) > 0.001
    assert total(text, UNPRICED_TOKENS) == 0
    assert total(text, CONTEXT_WINDOW_LIMIT, gen_ai_request_model="gpt-4o-mini") == 128_000
    assert total(text, COST, gen_ai_request_model="gpt-4o-mini") == pytest.approx(1000 / 1e6)


def test_of_several_calls_within_one_block_the_context_is_the_latests(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call("openai", "gpt-4o") as asked:
        for tokens in (100, 60_000, 64_000):
            asked.found_usage(Usage(input=tokens, output=1))

    text = scrape(agent)
    assert total(text, TOKENS) == 124_103
    assert total(text, CONTEXT_TOKENS, **OF_GPT) == 64_000
    assert total(text, f"{USED}_sum", **OF_GPT) == 0.5


def test_what_the_agent_says_of_a_call_goes_before_what_was_looked_up(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()
    call(agent, "openai", "gpt-4o")
    scrape(agent)

    with agent.llm_call("openai", "gpt-4o") as asked:
        asked.usage(input_tokens=1000)
        asked.context(tokens=500, window=1000)

    text = scrape(agent)
    assert total(text, CONTEXT_WINDOW_LIMIT, **OF_GPT) == 1000
    assert total(text, f"{USED}_sum", **OF_GPT) == pytest.approx(SHARE + 0.5)


def test_the_input_of_embeddings_is_no_context(
    make_agent: MakeAgent, registry: FakeRegistry
) -> None:
    agent = make_agent(registry_url=registry.url, key="k")
    agent.start()

    with agent.llm_call("openai", "gpt-4o") as asked:
        asked.usage(input_tokens=70, output_tokens=3)
    with agent.llm_call("openai", "text-embedding-3-small", operation="embeddings") as asked:
        asked.usage(input_tokens=500_000)

    text = scrape(agent)
    wait_until(lambda: registry.total("tokens_processed") == 500_073)
    assert total(text, CONTEXT_TOKENS, **OF_GPT) == total(text, CONTEXT_TOKENS) == 70
    (taken,) = registry.snapshots.values()
    assert list(taken.values())[-1]["context_length"] == 70
