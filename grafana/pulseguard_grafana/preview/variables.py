"""The variables of a dashboard, each filled in under the choice of those before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pulseguard_grafana.preview.errors import NotUnderstood, PreviewRefused, QueryFailed
from pulseguard_grafana.preview.interpolation import Chosen, filled
from pulseguard_grafana.preview.prometheus import Prometheus, Series
from pulseguard_grafana.preview.time_range import TimeRange

# Any in this module: a variable of Grafana's dashboard model.
Variable = Mapping[str, Any]

ALL: Final = "All"
# What people and what Grafana call all of them.
_EVERY: Final = (ALL, "$__all")
_LABEL_VALUES: Final = re.compile(
    r"\s*label_values\((?:(?P<selector>.+),)?\s*(?P<label>\w+)\s*\)\s*", re.DOTALL
)
_QUERY_RESULT: Final = re.compile(r"\s*query_result\((?P<expr>.+)\)\s*", re.DOTALL)
_TEXT_AND_VALUE: Final = re.compile(r"(.+?)\s+:\s+(.+)")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
# Of these it is known what there is to choose.
_OFFERING: Final = ("query", "custom", "interval")


def _first_number(text: str) -> float:
    found = re.search(r"\d+(?:\.\d+)?", text)
    return float(found[0]) if found else -1.0


# Any: something that has an order.
_KEYS: Final[Sequence[Callable[[str], Any]]] = (str, _first_number, str.casefold)


class _Option(NamedTuple):
    text: str
    value: str


def choose(
    variables: Iterable[Variable],
    wanted: Mapping[str, Sequence[str]],
    prometheus: Prometheus,
    shown: TimeRange,
) -> dict[str, Chosen]:
    """What each variable stands for, by name; `wanted` goes before what the dashboard says.

    PreviewRefused for a wanted variable that the dashboard has not, and for a value that one cannot
    have; QueryFailed and NotUnderstood where one cannot be filled in.
    """
    chosen: dict[str, Chosen] = {}
    for variable in variables:
        name = variable["name"]
        try:
            options = list(_options(variable, chosen, prometheus, shown))
        except QueryFailed as error:
            raise QueryFailed(f"variable {name}: {error}") from error
        chosen[name] = _choice(variable, options, wanted.get(name), chosen)
    if unknown := sorted(set(wanted) - set(chosen)):
        raise PreviewRefused(
            f"this dashboard has no variable {unknown[0]}; it has {', '.join(chosen)}"
        )
    return chosen


def _options(
    variable: Variable, chosen: Mapping[str, Chosen], prometheus: Prometheus, shown: TimeRange
) -> Iterator[_Option]:
    kind = variable["type"]
    if kind == "query":
        found = _found(filled(_query(variable), chosen), prometheus, shown)
        values = _matched(found, filled(variable.get("regex") or "", chosen))
        yield from (
            _Option(value, value) for value in _sorted(values, int(variable.get("sort") or 0))
        )
    elif kind in ("custom", "interval"):
        for part in re.split(r"(?<!\\),", str(variable["query"])):
            named = _TEXT_AND_VALUE.fullmatch(part.strip())
            yield _Option(named[1], named[2]) if named else _Option(part.strip(), part.strip())
    elif kind in ("constant", "textbox"):
        yield _Option(str(variable["query"]), str(variable["query"]))
    elif kind != "datasource":
        raise NotUnderstood(f"the preview knows no variable of type {kind}")


def _query(variable: Variable) -> str:
    query = variable["query"]
    return str(query["query"] if isinstance(query, dict) else query)


def _found(query: str, prometheus: Prometheus, shown: TimeRange) -> Sequence[str]:
    """What Prometheus answers, as the texts on which the variable's regex is tried."""
    if labels := _LABEL_VALUES.fullmatch(query):
        return prometheus.label_values(labels["label"], (labels["selector"] or "").strip(), shown)
    if result := _QUERY_RESULT.fullmatch(query):
        return [_as_text(each) for each in prometheus.instant(result["expr"], shown.end)]
    raise NotUnderstood(f"the preview knows no variable query such as {query}")


def _as_text(series: Series) -> str:
    labels = [f'{name}="{value}"' for name, value in series.labels.items() if name != "__name__"]
    ((at, value),) = series.values.items()
    name = series.labels.get("__name__", "")
    return f"{name}{{{','.join(labels)}}} {value:g} {1000 * at:.0f}"


def _matched(texts: Sequence[str], regex: str) -> list[str]:
    """What the regex, `/…/`, finds in each text: its group, or the text where it has none."""
    if not regex:
        return list(dict.fromkeys(texts))
    pattern = re.compile(regex.strip("/"))
    found = [match for text in texts if (match := pattern.search(text))]
    return list(dict.fromkeys(m[1] if pattern.groups else m.string for m in found))


def _sorted(values: list[str], order: int) -> list[str]:
    """By Grafana's numbers for the alphabet, for numbers, and for the alphabet in any case.

    Of each two the odd one ascends; 0 is the order of the answer.
    """
    if not order:
        return values
    return sorted(values, key=_KEYS[(order - 1) // 2], reverse=order % 2 == 0)


def _choice(
    variable: Variable,
    options: Sequence[_Option],
    wanted: Sequence[str] | None,
    chosen: Mapping[str, Chosen],
) -> Chosen:
    has_all, has_many = bool(variable.get("includeAll")), bool(variable.get("multi"))
    values = list(wanted) if wanted is not None else _current(variable)
    if variable["type"] == "textbox":
        _refuse_no_number(variable, values)
    unknown = _not_offered(variable, options, wanted or ())
    if has_all and any(value in _EVERY for value in values):
        pattern = variable.get("allValue")
        return Chosen(
            [option.value for option in options],
            [ALL],
            is_many=True,
            pattern=filled(pattern, chosen) if pattern else None,
            unknown=[value for value in unknown if value not in _EVERY],
        )
    picked = [_picked(value, options) for value in values]
    return Chosen(
        [option.value for option in picked],
        [option.text for option in picked],
        is_many=has_all or has_many,
        unknown=unknown,
    )


def _refuse_no_number(variable: Variable, values: Sequence[str]) -> None:
    """What is typed on a page is a number, and stands in queries as one."""
    name = variable["name"]
    if len(values) > 1:
        raise PreviewRefused(f"--var {name} is given {len(values)} times; it has one value")
    for value in values:
        if value and not _NUMBER.fullmatch(value):
            raise PreviewRefused(
                f"--var {name}={value}: {name} is to be a number, as --var {name}=25"
            )


def _not_offered(
    variable: Variable, options: Sequence[_Option], wanted: Iterable[str]
) -> Sequence[str]:
    if variable["type"] not in _OFFERING:
        return []
    return [value for value in wanted if not any(value in option for option in options)]


def _current(variable: Variable) -> list[str]:
    value = variable.get("current", {}).get("value", "")
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _picked(value: str, options: Sequence[_Option]) -> _Option:
    """The option of this value or text; one that is not offered may be wanted all the same."""
    return next((option for option in options if value in option), _Option(value, value))
