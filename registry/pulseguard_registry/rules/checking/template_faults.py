"""What is wrong with the templates of an alert: what Prometheus refuses, and what never works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pulseguard_registry.errors import TemplateFault
from pulseguard_registry.rules.checking.template_pipelines import DEEPEST, Body, Template
from pulseguard_registry.rules.checking.template_reading import read_template

LONGEST: Final = 20_000
# Of one text of one alert, all that is made on the way counted too.
MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class TemplateReading:
    """`labels` are those of the alert's series that the text shows."""

    faults: list[str]
    labels: set[str]


def read_text(text: str, alert: str) -> TemplateReading:
    """Judge a label or an annotation of an alert of this name."""
    if "{{" not in text:
        return TemplateReading([], set())
    if len(text) > LONGEST:
        return TemplateReading([f"is longer than {LONGEST} characters"], set())
    try:
        template = read_template(text)
    except TemplateFault as fault:
        return TemplateReading([f"Prometheus does not take the template: {fault}"], set())
    return TemplateReading([*template.faults, *_endless(template, alert)], template.labels)


def _endless(template: Template, alert: str) -> list[str]:
    # By this name Prometheus executes an alert's texts, so that one could execute itself.
    main = f"__alert_{alert}"
    bodies = {main: template.main} | template.defined
    missing = [
        f"the template {name} is not defined"
        for body in (template.main, *template.defined.values())
        for name, _ in body.executes
        if name not in bodies
    ]
    try:
        size = _size(main, bodies, (), {})
    except TemplateFault as fault:
        return [*dict.fromkeys(missing), str(fault)]
    if size > MOST_BYTES:
        missing.append(
            f"may take more than {MOST_BYTES} bytes to be expanded; shorten it, or take loops away"
        )
    return list(dict.fromkeys(missing))


def _size(name: str, bodies: dict[str, Body], above: tuple[str, ...], known: dict[str, int]) -> int:
    """How many bytes the expansion of a template makes at most; TemplateFault where it has no end.

    `known` keeps those that were counted already: two that execute each other twice would double.
    """
    if name in above:
        raise TemplateFault(f"the template {name} executes itself, without end")
    if len(above) > DEEPEST:
        raise TemplateFault(f"executes templates in one another, deeper than {DEEPEST}")
    if name not in known:
        known[name] = 1 + bodies[name].size
        known[name] += sum(
            times * _size(called, bodies, (*above, name), known)
            for called, times in bodies[name].executes
            if called in bodies
        )
    return known[name]
