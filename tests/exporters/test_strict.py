"""`strict`: True makes the library raise, and nothing else does."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

import pulseguard
from pulseguard import Agent
from pulseguard.otel import PulseGuardSpanProcessor
from tests.exporters.by_hand.hostile import Raising

# Each is made with something that cannot be used, so that strictly it would raise.
WAYS: dict[str, Callable[[Any], object]] = {
    "agent": lambda strict: Agent("", metrics_port=-1, strict=strict),
    "recording": lambda strict: Agent("bot", strict=strict).evaluation("accuracy", 7.0),
    "instrument": lambda strict: pulseguard.instrument("no-library", strict=strict),
    "processor": lambda strict: PulseGuardSpanProcessor("no agent", strict=strict).shutdown(),  # type: ignore[arg-type]
}
# By name: pytest itself would ask the last one for its class.
NO_BOOL: dict[str, Any] = {
    "a number": 1,
    "yes": "yes",
    "false": "false",
    "nothing": None,
    "a list": [True],
    "what cannot be asked": Raising(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("strict", NO_BOOL, ids=NO_BOOL)
def test_a_strict_that_is_no_bool_is_told_once_and_ignored(
    way: Callable[[Any], object], strict: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="pulseguard"):
        way(NO_BOOL[strict])

    told = [message for message in caplog.messages if message.startswith("strict=")]
    assert len(told) == 1
    assert told[0].endswith(" cannot be used: give True or False; its default is used")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_strict_raises_where_it_is_true_and_says_nothing_of_itself_where_it_is_false(
    way: Callable[[Any], object], caplog: pytest.LogCaptureFixture
) -> None:
    way(False)
    with pytest.raises(pulseguard.PulseGuardError):
        way(True)

    assert not any(message.startswith("strict=") for message in caplog.messages)
