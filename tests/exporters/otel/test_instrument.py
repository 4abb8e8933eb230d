"""`instrument("opentelemetry")`: every provider of the SDK, the global one and those to come."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import opentelemetry.trace
import pytest
from opentelemetry.sdk.trace import TracerProvider

import pulseguard
from pulseguard import Agent
from pulseguard.otel import PulseGuardSpanProcessor
from tests.exporters.otel.counted import counted

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


@pytest.fixture(autouse=True)
def taken_back() -> Iterator[None]:
    yield
    pulseguard.uninstrument("opentelemetry")


def instrument() -> None:
    assert pulseguard.instrument("opentelemetry", strict=True) == ("opentelemetry",)


def make_a_call(provider: TracerProvider) -> None:
    with provider.get_tracer("tests").start_as_current_span("chat", attributes=CHAT):
        pass


def made() -> TracerProvider:
    return TracerProvider(shutdown_on_exit=False)


def test_providers_made_from_then_on_are_counted(agent: Agent) -> None:
    instrument()
    instrument()
    one, another = made(), made()

    make_a_call(one)
    make_a_call(another)

    assert counted(agent).calls == 2


def test_the_global_provider_is_counted_also_when_it_was_there_before(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = made()
    monkeypatch.setattr(opentelemetry.trace, "_TRACER_PROVIDER", provider)
    instrument()
    pulseguard.uninstrument("opentelemetry")
    instrument()

    make_a_call(provider)

    assert counted(agent).calls == 1


def test_nothing_is_counted_any_more_once_that_is_taken_back(agent: Agent) -> None:
    instrument()
    provider = made()
    span = provider.get_tracer("tests").start_span("chat", attributes=CHAT)
    pulseguard.uninstrument("opentelemetry")

    make_a_call(provider)
    make_a_call(made())
    span.end()

    assert counted(agent).calls == 1


def test_a_processor_added_by_hand_goes_first(agent: Agent) -> None:
    instrument()
    provider = made()
    provider.add_span_processor(PulseGuardSpanProcessor(strict=True))

    make_a_call(provider)
    provider.shutdown()
    make_a_call(made())

    assert counted(agent).calls == 2


def test_calls_go_to_the_agent_that_was_named(agent: Agent) -> None:
    unstarted = Agent("another", strict=True)
    pulseguard.instrument("opentelemetry", agent=unstarted, strict=True)

    make_a_call(made())

    assert counted(agent).calls == 0


def test_nothing_of_opentelemetry_is_imported_for_it() -> None:
    program = (
        "import sys, pulseguard; pulseguard.instrument();"
        "assert not {'opentelemetry.sdk', 'opentelemetry.trace'} & sys.modules.keys();"
        "from opentelemetry.sdk.trace import TracerProvider;"
        "print(TracerProvider()._active_span_processor._span_processors)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert "AddedSpanProcessor" in said.stdout


def test_without_the_sdk_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("pulseguard.otel")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(ModuleNotFoundError, match=r"pulseguard-monitor\[otel\]"):
        import pulseguard.otel  # noqa: F401
