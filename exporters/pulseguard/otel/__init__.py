"""GenAI spans of OpenTelemetry as PulseGuard's metrics: `PulseGuardSpanProcessor`."""

try:
    from pulseguard.otel.processor import PulseGuardSpanProcessor
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "opentelemetry":
        raise
    raise ModuleNotFoundError(
        "pulseguard.otel needs OpenTelemetry's SDK: pip install 'pulseguard-monitor[otel]'",
        name=error.name,
    ) from error

__all__ = ["PulseGuardSpanProcessor"]
