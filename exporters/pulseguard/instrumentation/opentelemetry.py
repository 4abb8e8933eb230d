"""Every tracer provider of OpenTelemetry's SDK: `pulseguard.instrument("opentelemetry")`."""

import functools
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from pulseguard.instrumentation.measured import Meter
from pulseguard.instrumentation.methods import Method
from pulseguard.instrumentation.patching import Wrap

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_MODULE: Final = "opentelemetry.sdk.trace"


def wraps(meter: Meter) -> Sequence[Wrap]:
    """Providers get our span processor as they are made; the global one, if it is there, now.

    What is counted of their spans is told at `pulseguard.otel.PulseGuardSpanProcessor`.
    """
    providers = _Providers(meter)
    return [Wrap(_MODULE, "TracerProvider", "__init__", providers.wrapped)]


class _Providers:
    """The tracer providers that have been given the processor."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._given: WeakSet[TracerProvider] = WeakSet()

    def wrapped(self, method: Method) -> Method:
        """A provider's `__init__` that gives it the processor."""
        # What the API holds; to ask it would make a provider where there is none.
        present = getattr(sys.modules.get("opentelemetry.trace"), "_TRACER_PROVIDER", None)
        if isinstance(present, sys.modules[_MODULE].TracerProvider):
            self._give(present)

        @functools.wraps(method)
        def run(provider: Any, *args: Any, **kwargs: Any) -> None:  # Any: not our method
            method(provider, *args, **kwargs)
            self._meter.guard.attempt("instrument opentelemetry", None, self._give, provider)

        return run

    def _give(self, provider: "TracerProvider") -> None:
        # Here: `instrument` imports nothing that the agent has not.
        from pulseguard.otel.processor import AddedSpanProcessor

        if provider not in self._given:
            self._given.add(provider)
            provider.add_span_processor(AddedSpanProcessor(self._meter))
