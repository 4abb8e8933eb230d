"""What can go wrong with a preview; each text is one sentence for who asked for it."""

from __future__ import annotations

from pulseguard.errors import PulseGuardError


class PreviewRefused(PulseGuardError):
    """What was asked for cannot be shown; the text says why and what to do."""


class PrometheusSilent(PulseGuardError):
    """No Prometheus answers there."""


class QueryFailed(PulseGuardError):
    """Prometheus answered a query with an error, or not at all; the text is what it said."""


class NotUnderstood(PulseGuardError):
    """A dashboard says something that the preview does not know."""
