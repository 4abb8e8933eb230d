"""What became of a test alert at each receiver, judged by what was told and counted since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from pulseguard_registry.alertmanager.notifications import Count
from pulseguard_registry.alerts.receivers import DEADMAN, REGISTRY

Evidence = Literal["webhook", "receiver", "integration", "none"]
State = Literal["took", "failed", "waiting", "unknown"]
# The kind of the registry's own receiver, and of the dead man's switch.
_WEBHOOK: Final = "webhook"


class Taken(BaseModel):
    """What became of a test alert at one receiver."""

    receiver: str
    state: State
    rests_on: Evidence = Field(
        description="`webhook`: the registry was told of this very alert. `receiver`: Alertmanager"
        " counts what this receiver took. `integration`: it counts for all receivers of this kind"
        " together, so that another alert of the same moment looks the same. `none`: nothing tells."
    )
    sentence: str


def of_people(counts: Sequence[Count], told: int, *, has_deadman: bool) -> list[Count]:
    """The counts without what the registry took itself, which was told `told` times.

    Where Alertmanager does not tell receivers apart, the dead man's switch is a webhook whose
    notifications nobody else counts: then nothing is known of webhooks.
    """
    if has_deadman:
        return [each for each in counts if each.receiver or each.integration != _WEBHOOK]
    return [
        each.model_copy(update={"requests": max(each.requests - told, each.refused)})
        if each.integration == _WEBHOOK and not each.receiver
        else each
        for each in counts
    ]


def judge(routed: Sequence[str], told_at: datetime | None, counts: Sequence[Count]) -> list[Taken]:
    """What became of a test alert at each receiver, by when the registry was told and by the
    counts of people's receivers since."""
    names = [name for name in dict.fromkeys(routed) if name not in (REGISTRY, DEADMAN)]
    kinds = [_kind(name) for name in names]
    return [
        _by_webhook(told_at),
        *(_by_counts(name, counts, sharing=kinds.count(_kind(name))) for name in names),
    ]


def reached(receivers: Sequence[Taken]) -> bool | None:
    """Whether anybody but the registry took it; None while that is not known."""
    if any(each.state == "took" for each in receivers if each.receiver != REGISTRY):
        return True
    return None if {"waiting", "unknown"} & {each.state for each in receivers} else False


def summary(receivers: Sequence[Taken]) -> str:
    """The same in one sentence."""
    others = [each for each in receivers if each.receiver != REGISTRY]
    if not others:
        return "Alertmanager routes it to nobody but the registry."
    parts = ("took", "it was taken by"), ("failed", "it failed at"), ("waiting", "it waits for")
    told = [
        f"{words} {', '.join(each.receiver for each in others if each.state == state)}"
        for state, words in (*parts, ("unknown", "nothing tells of"))
        if any(each.state == state for each in others)
    ]
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _kind(receiver: str) -> str:
    """The integration for which a receiver is named; a team's has its name behind."""
    return receiver.partition("/")[0]


def _by_webhook(told_at: datetime | None) -> Taken:
    if told_at is None:
        sentence = "The registry was not told of it yet."
        return Taken(receiver=REGISTRY, state="waiting", rests_on="webhook", sentence=sentence)
    sentence = f"The registry was told of it at {told_at.isoformat(timespec='seconds')}."
    return Taken(receiver=REGISTRY, state="took", rests_on="webhook", sentence=sentence)


def _by_counts(name: str, counts: Sequence[Count], *, sharing: int) -> Taken:
    own = [count for count in counts if count.receiver == name]
    kind = _kind(name)
    shared = [count for count in counts if not count.receiver and count.integration == kind]
    if not own and not shared:
        sentence = (
            f"Nothing tells whether {name} took it: Alertmanager does not count its notifications"
            " apart from others (--enable-feature=receiver-name-in-metrics lets newer ones); look"
            " there."
        )
        return Taken(receiver=name, state="unknown", rests_on="none", sentence=sentence)
    counted = own or shared
    sharing = 1 if own else sharing
    taken, refused, failed = (
        sum(getattr(each, n) for each in counted) for n in ("taken", "refused", "failed")
    )
    state = _state(taken, failed, sharing)
    whose = name if sharing == 1 else f"the {sharing} receivers over {kind}"
    said = f"Since it was sent, {whose} took {taken} and refused {refused}"
    then = {
        "took": ".",
        "waiting": "; Alertmanager tries again." if refused else ".",
        "failed": "; Alertmanager has given up, and its log says why.",
        "unknown": "; which of them, nothing tells: Alertmanager's log says what failed.",
    }[state]
    rests_on: Evidence = "receiver" if own else "integration"
    return Taken(receiver=name, state=state, rests_on=rests_on, sentence=said + then)


def _state(taken: int, failed: int, sharing: int) -> State:
    """Of so many receivers that are counted together: what is true of each of them."""
    if taken >= sharing:
        return "took"
    if taken + failed < sharing:
        return "waiting"
    return "unknown" if taken else "failed"
