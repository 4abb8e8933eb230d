"""The operator's own prices: they go first, and a file with a fault is told and not used."""

import logging
import os
import re
import sys
from pathlib import Path

import pytest

from pulseguard import Agent, ConfigurationError
from pulseguard.catalog import COST, TOKEN_KINDS, UNPRICED_TOKENS
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import samples, scrape, total
from tests.exporters.priced import call, write_prices


def test_parts_without_a_rate_cost_what_the_whole_costs(
    make_agent: MakeAgent, tmp_path: Path
) -> None:
    agent = make_agent(prices_file=write_prices(tmp_path, {"own": {"input": 1, "output": 10}}))
    agent.start()

    call(agent, "here", "own")

    assert total(scrape(agent), COST) == pytest.approx((1000 * 1 + 460 * 10) / 1e6)


def test_own_prices_need_no_extra(
    make_agent: MakeAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    agent = make_agent(prices_file=write_prices(tmp_path, {"own": {"input": 1, "output": 1}}))
    agent.start()

    call(agent, "", "own")
    call(agent, "openai", "gpt-4o")

    text = scrape(agent)
    assert total(text, COST, gen_ai_request_model="own") == pytest.approx(1460 / 1e6)
    assert total(text, COST) == total(text, COST, gen_ai_request_model="own")
    assert total(text, UNPRICED_TOKENS, gen_ai_request_model="gpt-4o") == 1460


def test_an_own_price_goes_before_the_table(make_agent: MakeAgent, tmp_path: Path) -> None:
    agent = make_agent(prices_file=write_prices(tmp_path, {"gpt-4o": {"input": 0, "output": 0}}))
    agent.start()

    call(agent, "openai", "gpt-4o")
    call(agent, "openai", "gpt-4o-mini")

    text = scrape(agent)
    free = [
        value
        for (name, labels), value in samples(text).items()
        if name == COST.name and ("gen_ai_request_model", "gpt-4o") in labels
    ]
    assert free == [0] * len(TOKEN_KINDS)
    assert total(text, COST, gen_ai_request_model="gpt-4o-mini") > 0


BAD: list[tuple[object, str]] = [
    ("{", r"prices_file='.*prices.json' cannot be used: give a JSON file"),
    ("[]", r"prices_file='.*prices.json' cannot be used: give a JSON file"),
    ({"m": 3}, r"prices_file\['m'\]=3 cannot be used: give USD per million"),
    ({"m": {}}, r"prices_file\['m'\]='dict' cannot be used: give USD per million"),
    ({"m": {"inptu": 1}}, r"prices_file\['m'\]='inptu' cannot be used: give one of input, "),
    ({"m": {"input": -1}}, r"prices_file\['m'\]\['input'\]=-1 cannot be used: give USD"),
    ({"m": {"input": True}}, r"prices_file\['m'\]\['input'\]=True cannot be used: give USD"),
    ({"m": {"input": "secret"}}, r"prices_file\['m'\]\['input'\]='str' cannot be used: give USD"),
    ('{"m": {"input": NaN}}', r"prices_file\['m'\]\['input'\]=nan cannot be used: give USD"),
    (
        {"m": {"context_window": 0}},
        r"\['m'\]\['context_window'\]=0 cannot be used: give the window",
    ),
    ({"m": {"input": 1, "context_window": 8e3}}, r"\['context_window'\]=8000.0 cannot be used"),
    ({"m": {"input": 10**400}}, r"prices_file\['m'\]\['input'\]='int' cannot be used: give USD"),
]


@pytest.mark.parametrize(("content", "told"), BAD, ids=str)
def test_a_bad_file_is_told_in_one_line_and_not_used(
    make_agent: MakeAgent,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    content: object,
    told: str,
) -> None:
    if isinstance(content, dict):
        content = {"good": {"input": 1}, **content}
    path = write_prices(tmp_path, content)

    with caplog.at_level(logging.WARNING):
        agent = make_agent(strict=False, prices_file=path)
        lines = [record.getMessage() for record in caplog.records]
    agent.start()
    call(agent, "here", "good")

    assert len(lines) == 1
    assert re.search(told, lines[0])
    assert "\n" not in lines[0]
    assert "secret" not in lines[0]
    assert total(scrape(agent), COST) == 0
    with pytest.raises(ConfigurationError, match=told):
        make_agent(strict=True, prices_file=path)


def test_a_file_that_would_keep_the_agent_waiting_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path in (pipe, tmp_path, tmp_path / "missing"):
        with pytest.raises(ConfigurationError, match="give a JSON file"):
            Agent("bot", strict=True, prices_file=path)
