"""The errors of the agent's side.

PulseGuardError
├── ConfigurationError    a setting or constructor argument that cannot be used
├── RefusedValue          a recorded value that is no measurement (negative, NaN, text)
├── UnusableMetric        a metric of the author's own that cannot be defined or used like that
└── RegistryUnreachable   no usable answer from the registry

Inside an agent none of them escapes unless `strict=True` asks for it.
"""


class PulseGuardError(Exception):
    """Whatever PulseGuard itself raises."""


class ConfigurationError(PulseGuardError):
    """A setting that cannot be used; says which, its value and the mend."""

    def __init__(self, field: str, value: object, mend: str) -> None:
        super().__init__(f"{field}={_shown(value)} cannot be used: {mend}")
        self.field = field
        self.value = value
        self.mend = mend


class RefusedValue(PulseGuardError, ValueError):
    """A value that is no measurement.

    Only numbers are shown in the message: anything else might be somebody's prompt.
    """

    def __init__(self, what: str, value: object, mend: str) -> None:
        shown = type(value).__name__ if type(value) is str else _shown(value)
        super().__init__(f"{what}={shown:.40} is not recorded: {mend}")


class UnusableMetric(PulseGuardError):
    """A metric that cannot be defined or used like that; says what is wrong."""


class RegistryUnreachable(PulseGuardError):
    """The registry gave no usable answer."""


def _shown(value: object) -> str:
    """A text, number or None, shortened; of anything else its type, for its text may be anything.

    A number too long to be written is no longer one that anybody reads.
    """
    kind = type(value)
    if kind is str:
        return repr(str(value)[:200])
    if kind in (bool, float, type(None)) or (type(value) is int and -(2**63) < value < 2**64):
        return repr(value)
    return kind.__name__
