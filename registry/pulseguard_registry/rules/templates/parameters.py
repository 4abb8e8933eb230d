"""The parameters of templates: what may be said, and what is taken where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from pulseguard_registry.durations import UNITS, read_duration
from pulseguard_registry.problems import Fault, shown

ParameterType = Literal["number", "integer", "duration", "text", "choice"]
Value = float | int | str

_LONGEST_TEXT: Final = 120
_LONGEST_DAYS: Final = 7


@dataclass(frozen=True)
class Parameter:
    """One threshold or setting; the bounds belong to numbers and are allowed values themselves."""

    name: str
    title: str
    type: ParameterType
    default: Value
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def fault(self, value: object) -> str | None:
        """What is wrong with a value, and what would be right; None where it holds."""
        if self.type in ("number", "integer"):
            return self._number_fault(value)
        if not isinstance(value, str):
            return f"is no text; give one, such as {self.default!r}"
        if self.type == "duration":
            return _duration_fault(value)
        if self.type == "choice":
            listed = ", ".join(self.choices)
            return None if value in self.choices else f"is not known; give one of {listed}"
        if not value.strip() or len(value) > _LONGEST_TEXT:
            return f"is empty or too long; give 1 to {_LONGEST_TEXT} characters"
        return None if value.isprintable() else "holds what cannot be shown; take it out"

    def _number_fault(self, value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"is no number; give one, such as {self.default}"
        assert self.minimum is not None
        assert self.maximum is not None
        if not self.minimum <= value <= self.maximum:
            return (
                f"is out of bounds; give {self.minimum:g} to {self.maximum:g} {self.unit}".strip()
            )
        if self.type == "integer" and value != int(value):
            return "is no whole number; give one"
        return None


def chosen_values(
    parameters: Sequence[Parameter], given: Mapping[str, object]
) -> tuple[dict[str, Value], list[Fault]]:
    """The value of each parameter, and everything that is wrong with those that were given."""
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Value] = {name: parameter.default for name, parameter in known.items()}
    faults = []
    for name, value in given.items():
        parameter = known.get(name)
        if parameter is None:
            message: str | None = f"is no parameter; give any of {', '.join(known)}"
        else:
            message = parameter.fault(value)
        if message is not None:
            faults.append(
                Fault(field=f"parameters.{shown(name)}", value=shown(value), message=message)
            )
        elif isinstance(value, int | float | str):
            values[name] = value
    return values, faults


def _duration_fault(text: str) -> str | None:
    mend = f"give such as 5m or 1h30m (units: {UNITS}), at most {_LONGEST_DAYS}d"
    try:
        duration = read_duration(text)
    except OverflowError:
        duration = None
    if duration is None:
        return f"is no duration; {mend}"
    return None if duration <= timedelta(days=_LONGEST_DAYS) else f"is too long; {mend}"
