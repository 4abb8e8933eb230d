"""Previews a rule: what it has now, and how often it would have fired over hours that have been."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from pulseguard_registry.durations import read_duration
from pulseguard_registry.rules.preview.firing import Waits, episodes_of, pending_since
from pulseguard_registry.rules.preview.prometheus import Series, read_now, read_range
from pulseguard_registry.rules.preview.schemas import Firing, Past, Preview
from pulseguard_registry.rules.vocabulary import Rule

# Looks at the past: a day, minute by minute.
MOST_LOOKS: Final = 1440
LEAST_STEP_SECONDS: Final = 10.0
MOST_LISTED: Final = 500
_NO_LABELS_OF_ITS_OWN: Final = ("__name__",)


def preview_rule(url: str, rule: Rule, *, hours: float, now: float) -> Preview:
    """The rule's expression, evaluated by this Prometheus now and over the last `hours`.

    A Problem where Prometheus does not answer, or refuses the expression.
    """
    present = read_now(url, rule.expr, now)
    if rule.kind == "record":
        return _recorded(rule, present, now)
    pending = _seconds(rule.pending)
    # It looks back by `for` as well: Prometheus takes 11,000 looks at most.
    step = max(LEAST_STEP_SECONDS, round((hours * 3600 + pending) / MOST_LOOKS))
    times = Waits(step, pending, _seconds(rule.keep_firing_for))
    # What had held before the time that is asked for fires at its beginning.
    begin = now - hours * 3600
    past = read_range(url, rule.expr, begin - times.pending, now, step)
    return _alerting(rule, present, past, times, begin, now)


def _recorded(rule: Rule, present: Sequence[Series], now: float) -> Preview:
    values = [
        Firing(labels=_labels(rule, one), value=_value(one), state="recorded") for one in present
    ]
    return Preview(at=_moment(now), series=len(values), now=values[:MOST_LISTED])


def _alerting(
    rule: Rule,
    present: Sequence[Series],
    past: Sequence[Series],
    times: Waits,
    begin: float,
    now: float,
) -> Preview:
    since = {_key(one): pending_since(one.samples, times, now) for one in past}
    firing = [_firing(rule, one, since.get(_key(one)) or now, times, now) for one in present]
    firing.sort(key=lambda one: (one.state != "firing", sorted(one.labels.items())))
    episodes = [
        Past(
            labels=_labels(rule, one),
            began=_moment(max(each.began, begin)),
            ended=None if each.ended is None else _moment(each.ended),
            value=each.value,
        )
        for one in past
        for each in episodes_of(one.samples, times, now)
        if each.ended is None or each.ended > begin
    ]
    episodes.sort(key=lambda one: one.began, reverse=True)
    return Preview(
        at=_moment(now),
        series=len(firing),
        firing=sum(one.state == "firing" for one in firing),
        now=firing[:MOST_LISTED],
        past=episodes[:MOST_LISTED],
        hours=(now - begin) / 3600,
        fired=len(episodes),
        fired_for_agents=len(_agents(episodes)),
        step_seconds=times.step,
    )


def _firing(rule: Rule, one: Series, since: float, times: Waits, now: float) -> Firing:
    held = now - since >= times.pending
    return Firing(
        labels=_labels(rule, one),
        value=_value(one),
        state="firing" if held else "pending",
        since=_moment(since),
    )


def _agents(episodes: Iterable[Past]) -> set[str]:
    return {agent for one in episodes if (agent := one.labels.get("agent_id"))}


def _labels(rule: Rule, one: Series) -> dict[str, str]:
    """What the alert would have, but for its templates, which only Prometheus expands."""
    own = {name: text for name, text in one.labels.items() if name not in _NO_LABELS_OF_ITS_OWN}
    return own | {name: text for name, text in rule.labels.items() if "{{" not in text}


def _key(one: Series) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(one.labels.items()))


def _value(one: Series) -> str:
    return one.samples[-1][1]


def _seconds(duration: str | None) -> float:
    length = read_duration(duration) if duration else None
    return length.total_seconds() if length else 0.0


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
