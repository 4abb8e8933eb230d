"""The link of the agents' health: what the registry, which sees all sides, says against each."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from pulseguard.doctor.keys import enrolment_mend
from pulseguard.doctor.link import Link, State, broken, holds, listed, unknown
from pulseguard.doctor.registry import Known, Registry
from pulseguard.doctor.subject import Subject
from pulseguard.doctor.web import Answer

# Few: one registry answers for all.
_AT_ONCE: Final = 4
_LOG: Final = "its log (logger `pulseguard`)"
_SILENT_MEND: Final = (
    f"{_LOG} says what the registry answers to it: as a rule its key has ended or was revoked"
    " (`pulseguard keys list`), or it cannot reach the registry"
)
_UNHEARD_MEND: Final = f"try again in ten seconds; if no heartbeat comes then, {_LOG} says why"
_FAILED_MEND: Final = "its own log says why; end it and start it again"
_UNREAD_MEND: Final = "try again, or name one agent: --name, --instance"
_OTHER_MEND: Final = "`pulseguard agents show {}` has what is known; docs/api.md, Disagreements"
_DISAGREEMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "two_processes": (
        "two processes with one identity report as it",
        "give each an instance of its own (PULSEGUARD_INSTANCE), or none: then it is <host>-<slot>;"
        " or end the one that is not to run",
    ),
    "registered_not_scraped": (
        "no Prometheus that the registry is told of scrapes it",
        "see that `pulseguard sync` runs beside Prometheus, and that Prometheus reads its file",
    ),
    "beats_but_down": (
        "it sends heartbeats, and its last scrape failed",
        "Prometheus says why, under Status, Targets; with --prometheus-url the doctor asks it",
    ),
    "scraped_but_silent": ("it is scraped, and sends no heartbeats", _SILENT_MEND),
}


@dataclass(frozen=True)
class _Finding:
    """Something that is said against one agent; `state` is that of the link for it."""

    agent: Known
    said: str
    mend: str
    state: State = "broken"


def health(subject: Subject, registry: Registry, agents: Sequence[Known]) -> Link:
    """Whether the registry hears these agents, and everything it is told of them agrees."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(registry.health_of, [agent.agent_id for agent in agents]))
    enrolment = enrolment_mend(subject)
    found = [
        finding
        for agent, answer in zip(agents, answers, strict=True)
        for finding in _findings(agent, answer, enrolment)
    ]
    if not found:
        titles = listed([agent.title for agent in agents])
        return holds("health", f"the registry has nothing to say against {titles}")
    found.sort(key=lambda finding: finding.state != "broken")
    said = listed([f"{finding.agent.title}: {finding.said}" for finding in found], between="; ")
    if any(finding.state == "broken" for finding in found):
        return broken("health", said, _mend(found))
    return unknown("health", said, _mend(found))


def _findings(agent: Known, answer: Answer, enrolment: str) -> Iterator[_Finding]:
    """All that is said against one; `enrolment` is the mend where it has no key to come in with."""
    if not answer.ok:
        said = f"the registry answers {answer.status}: {answer.detail}"
        yield _Finding(agent, said, _UNREAD_MEND, "unknown")
        return
    told = answer.fields()
    silence = _silence(agent, told, enrolment)
    if silence is not None:
        yield silence
    if told.get("status_reason") in ("failed", "stuck"):
        yield _Finding(agent, f"it says of itself that it is {told['status_reason']}", _FAILED_MEND)
    for kind in _words(told, "disagreements"):
        # That it is silent was said.
        if kind != "scraped_but_silent" or silence is None:
            yield _disagreement(agent, kind, _words(told, "processes"))


def _silence(agent: Known, told: Mapping[str, object], enrolment: str) -> _Finding | None:
    """Why no heartbeats come, where none do."""
    if told.get("to_be_enrolled"):
        mend = (
            "left running, it is enrolled again once it has been silent for as long as makes it"
            f" OFFLINE, if its key of role enrolment has not ended; else {enrolment}"
        )
        return _Finding(agent, "its own key has ended, and the registry refuses it", mend)
    if told.get("status_reason") == "silent":
        return _Finding(agent, _heard_last(told), _SILENT_MEND)
    if told.get("status_reason") == "never_heard":
        return _Finding(agent, _heard_last(told), _UNHEARD_MEND, "unknown")
    return None


def _heard_last(told: Mapping[str, object]) -> str:
    """The registry's own sentence about its heartbeats."""
    parts = told.get("parts")
    freshness = parts.get("freshness") if isinstance(parts, dict) else None
    sentence = freshness.get("sentence") if isinstance(freshness, dict) else None
    return str(sentence or "it sends no heartbeats").rstrip(".")


def _disagreement(agent: Known, kind: str, processes: Sequence[str]) -> _Finding:
    # A newer registry may know more of them.
    other = kind.replace("_", " "), _OTHER_MEND.format(agent.agent_id)
    said, mend = _DISAGREEMENTS.get(kind, other)
    both = f": {', '.join(processes)}" if kind == "two_processes" and processes else ""
    return _Finding(agent, said + both, mend)


def _words(told: Mapping[str, object], name: str) -> Sequence[str]:
    listing = told.get(name)
    return [str(each) for each in listing] if isinstance(listing, list) else []


def _mend(found: Sequence[_Finding]) -> str:
    """Each mend once; whose it is where there are several."""
    whose: dict[str, list[str]] = {}
    for finding in found:
        whose.setdefault(finding.mend, []).append(finding.agent.title)
    if len(whose) == 1:
        return found[0].mend
    return "; ".join(f"{listed(titles)}: {mend}" for mend, titles in whose.items())
