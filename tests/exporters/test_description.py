"""What an agent says of itself: each argument for itself, whatever another one is."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.exporters.by_hand.hostile import PROMPT, HostileText
from tests.exporters.conftest import MakeAgent

GOOD: dict[str, Any] = {
    "name": "invoice-bot",
    "version": "2.1.0",
    "description": "Reads invoices.",
    "framework": "langgraph",
    "type": "DATA_AGENT",
    "deployment_type": "DOCKER",
    "tags": ("finance",),
    "labels": {"tier": "gold"},
    "config": {"temperature": 0.5},
}


class UnreadableMapping(dict[str, Any]):
    def __len__(self) -> int:
        raise KeyError(PROMPT)

    def items(self) -> Any:
        raise KeyError(PROMPT)

    keys = __iter__ = items


def unreadable_words() -> Iterator[str]:
    yield "finance"
    raise KeyError(PROMPT)


UNREADABLE: dict[str, Any] = {
    **dict.fromkeys(("name", "version", "description"), HostileText("x")),
    **dict.fromkeys(("framework", "type", "deployment_type"), HostileText("x")),
    "tags": unreadable_words(),
    "labels": UnreadableMapping(),
    "config": UnreadableMapping(),
}


@pytest.mark.parametrize("field", GOOD)
def test_an_argument_that_cannot_even_be_read_is_named_and_the_others_are_told(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    with caplog.at_level(logging.WARNING, logger="pulseguard"):
        agent = make_agent(strict=False, **{**GOOD, field: UNREADABLE[field]})

    described = agent._exporter._description._asdict()
    assert {name for name in GOOD if described[name] != GOOD[name]} == {field}
    assert len(caplog.messages) == 1
    assert field in caplog.messages[0]
    assert PROMPT not in caplog.messages[0]
