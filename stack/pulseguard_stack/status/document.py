"""The fleet as one JSON document for programs: stable names, base units, null where unknown."""

from __future__ import annotations

from datetime import datetime

from pulseguard_stack.status.fleet import Alert, Disagreement, Fleet, Source
from pulseguard_stack.status.judgement import Judged, judge_fleet
from pulseguard_stack.status.readings import Reading
from pulseguard_stack.status.restarts import Restart

_NOTHING = Reading("")


def document(fleet: Fleet) -> dict[str, object]:
    """Everything that the view shows, trouble first."""
    heard = fleet.heard
    return {
        "taken_at": fleet.taken_at.isoformat(),
        "simulated": fleet.is_simulated,
        "sources": {
            "registry": _source(heard.registry),
            "prometheus": _source(heard.prometheus),
        },
        "agents": [_agent(judged, fleet.taken_at) for judged in judge_fleet(fleet)],
        "alerts": None if heard.alerts is None else [_alert(alert) for alert in heard.alerts],
        "alerts_fault": heard.alerts_fault,
        "receivers": None if heard.receivers is None else list(heard.receivers),
        "disagreements": (
            None
            if heard.disagreements is None
            else [_disagreement(one) for one in heard.disagreements.listed]
        ),
        "disagreements_total": heard.disagreements.total if heard.disagreements else None,
        "disagreements_fault": heard.disagreements_fault,
        "restarts": None if heard.restarts is None else [_restart(one) for one in heard.restarts],
    }


def _source(source: Source) -> dict[str, object]:
    return {
        "url": source.url,
        "answers": source.fault is None,
        "fault": source.fault,
        "as_of": _time(source.as_of),
    }


def _agent(judged: Judged, now: datetime) -> dict[str, object]:
    member = judged.member
    seen = member.registered.last_seen_at if member.registered else None
    return {
        "agent_id": member.agent_id,
        "name": member.name,
        "instance": member.instance,
        "environment": member.environment,
        "team": member.team,
        "type": member.type,
        "version": member.version or None,
        "registered": member.is_registered,
        "status": member.status,
        "status_reason": member.reason,
        "scrape": member.scrape,
        "level": judged.level.name.lower(),
        "troubles": list(judged.troubles),
        "last_seen_at": _time(seen),
        "last_seen_age_seconds": None if seen is None else (now - seen).total_seconds(),
        **_numbers(member.reading or _NOTHING),
        "alerts": [alert.name for alert in member.alerts],
    }


def _numbers(reading: Reading) -> dict[str, object]:
    return {
        "model_calls_per_second": reading.calls_per_second,
        "model_call_p95_seconds": reading.p95_seconds,
        "tokens_per_second": reading.tokens_per_second,
        "task_success_ratio": reading.success_ratio,
        "cost_usd_per_hour": reading.cost_usd_per_hour,
        "context_tokens": reading.context_tokens,
        "context_window_used_ratio": reading.context_used_ratio,
        "model_calls_per_second_trend": list(reading.trend),
    }


def _alert(alert: Alert) -> dict[str, object]:
    return {
        "name": alert.name,
        "severity": alert.severity or None,
        "agent_id": alert.agent_id,
        "agent": alert.agent or None,
        "since": _time(alert.since),
        "summary": alert.summary or None,
    }


def _disagreement(disagreement: Disagreement) -> dict[str, object]:
    return {
        "kind": disagreement.kind,
        "agent_id": disagreement.agent_id,
        "name": disagreement.name,
        "instance": disagreement.instance,
        "processes": list(disagreement.processes),
    }


def _restart(restart: Restart) -> dict[str, object]:
    return {
        "component": restart.component,
        "died_at": _time(restart.died_at),
        "ended_with": restart.ended_with,
        "times": restart.times,
        "ready_at": _time(restart.ready_at),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
