"""Makes an ordinary rule of a template."""

from __future__ import annotations

import re
from typing import Final

from pulseguard_registry.rules.checking.group import SUMMARY_ANNOTATION
from pulseguard_registry.rules.templates.expressions import Values
from pulseguard_registry.rules.templates.library import Template
from pulseguard_registry.rules.templates.quoting import number, plain
from pulseguard_registry.rules.templates.scope import Scope
from pulseguard_registry.rules.vocabulary import RUNBOOK_ANNOTATION, SEVERITY_LABEL, Rule

# Of a part of one, humanize would make 500m.
_VALUE: Final = (
    '{{ if lt $value 1.0 }}{{ printf "%.3g" $value }}{{ else }}{{ $value | humanize }}{{ end }}'
)
_RUNBOOKS: Final = "docs/runbooks.md"
_PARAMETER: Final = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")


def build(template: Template, values: Values, scope: Scope) -> Rule:
    """The rule, for values that hold; `value` and `threshold` are there for notifications."""
    return Rule(
        "alert",
        template.alert,
        template.expression(scope, values),
        pending=str(values["for"]),
        labels={SEVERITY_LABEL: str(values["severity"])},
        annotations={
            SUMMARY_ANNOTATION: template.summary,
            "description": _PARAMETER.sub(
                lambda found: plain(_shown(values, found[1])), template.description
            ),
            "value": _VALUE + _unit(template),
            "threshold": _shown(values, template.threshold) + _unit(template),
            RUNBOOK_ANNOTATION: f"{_RUNBOOKS}#{template.alert.lower()}",
        },
    )


def _unit(template: Template) -> str:
    """Of the threshold, and so of the value; a duration has its own, and a share needs none."""
    (threshold,) = (each for each in template.parameters if each.name == template.threshold)
    return f" {threshold.unit}" if threshold.unit not in ("", "ratio") else ""


def _shown(values: Values, name: str) -> str:
    value = values[name]
    return value if isinstance(value, str) else number(value)
