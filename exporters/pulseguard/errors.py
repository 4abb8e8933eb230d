"""The errors of the agent's side.

PulseGuardError
├── ConfigurationError    a setting or constructor argument that cannot be used
├── RefusedValue          a recorded value that is no measurement (negative, NaN, text)
└── RegistryUnreachable   no usable answer from the registry

Inside an agent none of them escapes unless `strict=True` asks for it.
"""


class PulseGuardError(Exception):
    """Whatever PulseGuard itself raises."""


class ConfigurationError(PulseGuardError):
    """A setting that cannot be used; says which, its value and the mend."""

    def __init__(self, field: str, value: object, mend: str) -> None:
        super().__init__(f"{field}={value!r} cannot be used: {mend}")
        self.field = field
        self.value = value
        self.mend = mend


class RefusedValue(PulseGuardError, ValueError):
    """A value that is no measurement.

    Only numbers are shown in the message: anything else might be somebody's prompt.
    """

    def __init__(self, what: str, value: object, mend: str) -> None:
        shown = repr(value) if isinstance(value, int | float) else type(value).__name__
        super().__init__(f"{what}={shown:.40} is not recorded: {mend}")


class RegistryUnreachable(PulseGuardError):
    """The registry gave no usable answer."""
