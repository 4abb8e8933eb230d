"""No label value, whatever it is, breaks the page or gets lost."""

import pytest

from pulseguard.catalog import TOKENS
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import (
    PROMETHEUS_ACCEPTS,
    openmetrics_names,
    promtool_complaints,
    samples,
    scrape,
    total,
)

HOSTILE_LABELS = ["\ud800", "a\0b", "x" * 10_000, 'quote"\n\\', "", " ", "😀\udfff", "{}", "_OTHER"]


def test_no_label_value_breaks_the_page(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False, version="\ud800", series_limit=2000)
    agent.start()

    for value in [*HOSTILE_LABELS, None, 3, object(), Unspeakable()]:
        with agent.llm_call(value, value, value) as call:  # type: ignore[arg-type]
            call.usage(input_tokens=1)
        with agent.tool(value, value):  # type: ignore[arg-type]
            pass
        with agent.api_call(value, value):  # type: ignore[arg-type]
            pass
        agent.evaluation(value, 1)  # type: ignore[arg-type]

    text = scrape(agent)
    assert promtool_complaints(text) == ""
    assert total(text, TOKENS) == len(HOSTILE_LABELS) + 4
    assert "could not read a label: RuntimeError" in caplog.text
    assert "secret prompt" not in caplog.text
    assert all(len(v) <= 120 for _, labels in samples(text) for _, v in labels)
    assert openmetrics_names(scrape(agent, PROMETHEUS_ACCEPTS))


class Unspeakable:
    """Fails even when asked for its name."""

    def __str__(self) -> str:
        raise RuntimeError("a secret prompt")
