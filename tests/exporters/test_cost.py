"""What tokens cost: true where a price is known, and otherwise said to be unknown."""

import os
import subprocess
import sys
import textwrap
from importlib.abc import MetaPathFinder
from pathlib import Path

import genai_prices
import pytest

from pulseguard.catalog import (
    COST,
    EXPORTER_FAILURES,
    EXPORTER_SERIES,
    OTHER,
    TOKEN_KINDS,
    TOKENS,
    UNPRICED_TOKENS,
    Detail,
)
from pulseguard.pricing.cost import Pricing
from pulseguard.pricing.prices import Model, Price
from pulseguard.recording.quota import Quota
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import samples, scrape, total
from tests.exporters.priced import call, write_prices


@pytest.mark.parametrize(
    ("provider", "model", "known_as"),
    [
        ("openai", "gpt-4o", "openai"),
        ("anthropic", "claude-sonnet-4-5", "anthropic"),
        ("gcp.gemini", "gemini-2.5-pro", "google"),
        ("gcp.gen_ai", "gemini-2.5-pro", "google"),
        ("aws.bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("azure.ai.openai", "gpt-4o", "azure"),
        ("azure.ai.inference", "gpt-4o", "azure"),
        ("mistral_ai", "mistral-large-latest", "mistral"),
        ("x_ai", "grok-3", "x-ai"),
    ],
)
def test_a_call_costs_what_the_price_table_says(
    make_agent: MakeAgent, provider: str, model: str, known_as: str
) -> None:
    agent = make_agent()
    agent.start()

    call(agent, provider, model, times=3)

    text = scrape(agent)
    usage = genai_prices.Usage(
        input_tokens=1000, cache_read_tokens=200, cache_write_tokens=100, output_tokens=460
    )
    price = genai_prices.calc_price(usage, model, provider_id=known_as)
    assert price.total_price > 0
    labels = {"gen_ai_provider_name": provider, "gen_ai_request_model": model}
    assert total(text, COST, **labels) == pytest.approx(3 * float(price.total_price))
    assert total(text, UNPRICED_TOKENS) == 0


def test_cost_is_told_by_kind(make_agent: MakeAgent, tmp_path: Path) -> None:
    rates = {"input": 1, "cache_read": 0.1, "cache_write": 1.25, "output": 4, "reasoning": 8}
    agent = make_agent(prices_file=write_prices(tmp_path, {"own": rates}))
    agent.start()

    call(agent, "here", "own", times=1000)

    told = {kind: total(scrape(agent), COST, gen_ai_token_type=kind) for kind in TOKEN_KINDS}
    assert told == pytest.approx(
        {"input": 0.7, "cache_read": 0.02, "cache_write": 0.125, "output": 1.6, "reasoning": 0.48}
    )


def test_of_tiers_the_base_is_taken(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call("gcp.gemini", "gemini-2.5-pro") as llm_call:
        llm_call.usage(input_tokens=1_000_000)

    def price(tokens: int) -> float:
        usage = genai_prices.Usage(input_tokens=tokens)
        found = genai_prices.calc_price(usage, "gemini-2.5-pro", provider_id="google")
        return float(found.total_price)

    assert total(scrape(agent), COST) == pytest.approx(10 * price(100_000))
    assert price(1_000_000) > 10 * price(100_000)


def test_without_the_extra_nothing_is_said_about_cost(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    agent = make_agent(strict=False)
    agent.start()
    caplog.clear()

    call(agent, "openai", "gpt-4o")

    text = scrape(agent)

    assert total(text, TOKENS) == 1460
    assert COST.name.removesuffix("_total") not in text
    assert UNPRICED_TOKENS.name.removesuffix("_total") not in text
    assert total(text, EXPORTER_FAILURES) == 0
    assert caplog.records == []


def test_tokens_without_a_price_are_counted_with_the_reason_and_cost_nothing(
    make_agent: MakeAgent, tmp_path: Path
) -> None:
    agent = make_agent(prices_file=write_prices(tmp_path, {"embedder": {"input": 0.1}}))
    agent.start()

    call(agent, "openai", "no-such-model")
    call(agent, "nobody", "gpt-4o", times=2)
    call(agent, "", "gpt-4o", times=3)
    call(agent, "here", "embedder")

    text = scrape(agent)
    unpriced = {
        (dict(labels)["gen_ai_request_model"], dict(labels)["reason"]): value
        for (name, labels), value in samples(text).items()
        if name == UNPRICED_TOKENS.name
    }
    assert unpriced == {
        ("no-such-model", "unknown_model"): 1460,
        ("gpt-4o", "unknown_model"): 2 * 1460,
        ("gpt-4o", "no_provider"): 3 * 1460,
        ("embedder", "no_price"): 460,
    }
    priced = {labels for name, labels in samples(text) if name == COST.name}
    assert len(priced) == 3
    assert all(("gen_ai_request_model", "embedder") in labels for labels in priced)


@pytest.mark.parametrize("detail", ["lean", "standard"])
@pytest.mark.parametrize("limit", [500, 1000, 2000])
def test_cost_stays_within_the_limit_and_every_token_is_priced_or_not(
    make_agent: MakeAgent, tmp_path: Path, detail: Detail, limit: int
) -> None:
    own = {f"model {number}": {"input": 1, "output": 1} for number in range(100)}
    agent = make_agent(detail=detail, series_limit=limit, prices_file=write_prices(tmp_path, own))
    agent.start()

    for number in range(200):
        with agent.tool(f"tool {number}"), agent.api_call(f"host {number}") as outbound:
            outbound.status(200)
        agent.evaluation(f"evaluation {number}", 1)
    for number in range(100):
        call(agent, f"provider {number % 3}", f"model {number}")

    text = scrape(agent)
    assert len(samples(text)) <= limit
    assert total(text, EXPORTER_SERIES) == len(samples(text))
    unpriced = total(text, UNPRICED_TOKENS)
    assert unpriced == total(text, TOKENS, gen_ai_request_model=OTHER) > 0
    assert unpriced == total(text, UNPRICED_TOKENS, reason=OTHER)
    assert total(text, COST) == pytest.approx((100 * 1460 - unpriced) / 1e6)


def test_a_series_of_tokens_takes_room_for_its_cost() -> None:
    def admitted(limit: int) -> int:
        quota = Quota([TOKENS], "lean", limit)
        return sum(quota.admit(TOKENS, ("p", str(number), "input")) for number in range(100))

    assert admitted(220) > 0
    # Two series each, and a small share of the limit is kept for others.
    assert 8 <= admitted(240) - admitted(220) <= 10


def test_a_price_is_looked_up_once_so_that_cost_only_grows() -> None:
    asked: list[tuple[str, str]] = []

    def table(provider: str, model: str) -> Model | None:
        asked.append((provider, model))
        price: Price = {"input": 10.0 / len(asked)}
        return Model(price) if provider == "p" else None

    pricing = Pricing({}, lambda: table)

    def read(tokens: int) -> float:
        readings = pricing.read([(("p", "m", "input"), tokens), (("q", "m", "input"), tokens)])
        ((_, cost),) = readings[COST.name]
        assert readings[UNPRICED_TOKENS.name] == [(("m", "unknown_model"), tokens)]
        assert isinstance(cost, float)
        return cost

    told = [read(tokens) for tokens in (1, 2, 3, 1_000_000)]

    assert asked == [("p", "m"), ("q", "m")]
    assert told == sorted(told)
    assert told[-1] == 10


def test_a_table_that_cannot_be_loaded_is_one_failure_and_tried_once(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Misfit(MetaPathFinder):
        tried = 0

        def find_spec(self, name: str, *others: object) -> None:
            if name == "genai_prices":
                self.tried += 1
                raise RuntimeError("an extra that does not fit")

    misfit = Misfit()
    monkeypatch.delitem(sys.modules, "genai_prices")
    monkeypatch.setattr(sys, "meta_path", [misfit, *sys.meta_path])
    agent = make_agent(strict=False)
    agent.start()

    call(agent, "openai", "gpt-4o")
    texts = [scrape(agent) for _ in range(3)]

    assert misfit.tried == 1
    assert total(texts[-1], TOKENS) == 1460
    assert total(texts[-1], EXPORTER_FAILURES, operation="look up windows") == 1
    assert COST.name.removesuffix("_total") not in texts[-1]


def test_prices_are_loaded_by_a_scrape_and_never_fetched() -> None:
    program = """
        import sys, threading, urllib.request
        seen = []
        sys.addaudithook(lambda event, arguments: seen.append((event, arguments)) if event in
            ("socket.connect", "socket.getaddrinfo", "socket.sendto") else None)
        from pulseguard import Agent
        agent = Agent("bot", metrics_port=0, strict=True)
        agent.start()
        with agent.llm_call("openai", "gpt-4o") as call:
            call.usage(input_tokens=10)
        assert "genai_prices" not in sys.modules
        page = f"http://{agent.metrics_address}/metrics"
        text = urllib.request.urlopen(page).read().decode()
        assert "genai_prices" in sys.modules
        assert "pulseguard_cost_usd_total{" in text
        names = {thread.name for thread in threading.enumerate()}
        assert names == {"MainThread", "pulseguard-metrics"}, names
        agent.stop()
        assert seen
        strangers = [each for each in seen if "127.0.0.1" not in repr(each)]
        assert strangers == [], strangers
    """
    environment = {name: value for name, value in os.environ.items() if "PULSEGUARD" not in name}

    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=environment | {"no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
