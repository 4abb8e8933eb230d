"""Kinds of values that rules consist of, with the sentence for what they may not be."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from pulseguard_registry.durations import PATTERN, UNITS, read_duration
from pulseguard_registry.fields import LINE, LINES, Name, OptionalName

LONGEST: Final = timedelta(days=366)
MOST_LABELS: Final = 30
MOST_RULES: Final = 500
EXPR_CHARACTERS: Final = 20_000

# https://prometheus.io/docs/concepts/data_model/: what Prometheus 2.42 takes.
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_TEMPLATE: Final = "{{"


def check_metric_name(name: str) -> str:
    """The name itself; ValueError where Prometheus has no series of this name."""
    if not _METRIC.fullmatch(name):
        raise ValueError(
            "is no name of a metric, which a recording rule has; use letters, digits, _ and :,"
            " such as agent:errors:rate5m"
        )
    return name


def refuse_template(text: str) -> str:
    """The text itself; ValueError where it looks like a template where none is expanded."""
    if _TEMPLATE in text:
        raise ValueError(
            "holds {{, and no template is expanded here, only in annotations and in other labels of"
            " an alerting rule; take it out"
        )
    return text


def _label_name(name: str) -> str:
    if not _LABEL.fullmatch(name) or len(name) > 120:
        raise ValueError("is no name of a label; use letters, digits and _, 120 at most")
    if name.startswith("__"):
        raise ValueError("begins with __, which Prometheus keeps to itself; choose another name")
    if name == "alertname":
        raise ValueError("is set by Prometheus to the name of the rule; take it out")
    return name


def _annotation_name(name: str) -> str:
    if not _LABEL.fullmatch(name) or len(name) > 120:
        raise ValueError("is no name of an annotation; use letters, digits and _, 120 at most")
    return name


def _duration(text: str) -> str:
    _length_of(text)
    return text


def _interval(text: str) -> str:
    if _length_of(text) < timedelta(seconds=1):
        raise ValueError("is shorter than 1s; give a longer one, or leave it out")
    return text


# Of thousands of rules most have one of a few.
@lru_cache
def _length_of(text: str) -> timedelta:
    try:
        length = read_duration(text)
    except OverflowError:
        length = LONGEST * 2
    if length is None:
        raise ValueError(
            f"is no duration; give whole numbers with units ({UNITS}), the largest first, such as"
            " 90s, 5m or 1h30m"
        )
    if length > LONGEST:
        raise ValueError("is longer than 366d; give a shorter one")
    return length


def _expr(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; give an expression of PromQL")
    if "\ufffd" in text:
        raise ValueError("holds the character U+FFFD, which PromQL takes for an error; take it out")
    return text


_WRITTEN: Final = {"pattern": PATTERN, "examples": ["5m"]}
Duration = Annotated[str, AfterValidator(_duration), Field(json_schema_extra=_WRITTEN)]
Interval = Annotated[str, AfterValidator(_interval), Field(json_schema_extra=_WRITTEN)]
Expr = Annotated[str, Field(min_length=1, max_length=EXPR_CHARACTERS), LINES, AfterValidator(_expr)]
Plain = AfterValidator(refuse_template)
GroupName = Annotated[Name, Plain]
RuleName = Annotated[Name, Plain]
Owner = Annotated[OptionalName, Plain]
Severity = Annotated[OptionalName, Plain]
RunbookUrl = Annotated[str, Field(max_length=2000), LINE, Plain]
LabelName = Annotated[str, AfterValidator(_label_name)]
LabelValue = Annotated[str, Field(max_length=1000), LINES]
PlainLabelValue = Annotated[LabelValue, Plain]
AnnotationName = Annotated[str, AfterValidator(_annotation_name)]
AnnotationValue = Annotated[str, Field(max_length=5000), LINES]
Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=MOST_LABELS)]
PlainLabels = Annotated[dict[LabelName, PlainLabelValue], Field(max_length=MOST_LABELS)]
Annotations = Annotated[dict[AnnotationName, AnnotationValue], Field(max_length=MOST_LABELS)]
Message = Annotated[str, Field(max_length=500), LINE]
