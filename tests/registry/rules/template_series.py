"""For each template series of one agent for which its rule fires, and of others for which not."""

from __future__ import annotations

from dataclasses import dataclass

from pulseguard_registry.rules.templates.quoting import quoted

# Name, labels besides those of the target, values; a value each 30 s, judged after 40 minutes.
Series = tuple[str, dict[str, str], str]

CALLS = "gen_ai_client_operation_duration_seconds"
STREAMS = "gen_ai_client_operation_time_to_first_chunk_seconds"
TOOLS = "gen_ai_execute_tool_duration_seconds"
SCORES = "pulseguard_evaluation_score_ratio"
OF_CALL = {
    "gen_ai_operation_name": "chat",
    "gen_ai_provider_name": "openai",
    "gen_ai_request_model": "gpt-4o",
}
OF_MODEL = {"gen_ai_request_model": "gpt-4o"}
OF_TOOL = {"gen_ai_tool_name": "search", "gen_ai_tool_type": "function"}
OF_TOKENS = {
    "gen_ai_provider_name": "openai",
    "gen_ai_request_model": "gpt-4o",
    "gen_ai_token_type": "input",
}
UP: Series = ("up", {}, "1x100")


@dataclass(frozen=True)
class Agents:
    """The series of the agent that is told of, and those of each that is not."""

    fires: list[Series]
    quiet: dict[str, list[Series]]
    value: str
    """What the notification shows as value."""


def calls(well: str, failed: str = "0x100") -> list[Series]:
    return [
        (f"{CALLS}_count", {**OF_CALL, "error_type": ""}, well),
        (f"{CALLS}_count", {**OF_CALL, "error_type": "_OTHER"}, failed),
    ]


def buckets(name: str, labels: dict[str, str], fast: str, every: str) -> list[Series]:
    """In lean buckets: those up to the third last bound, and all up to the last one."""
    last, before = ("40.96", "10.24") if name == CALLS else ("10.24", "2.56")
    return [
        (f"{name}_bucket", {**labels, "le": before}, fast),
        (f"{name}_bucket", {**labels, "le": last}, every),
        (f"{name}_bucket", {**labels, "le": "+Inf"}, every),
        (f"{name}_count", labels, every),
    ]


def scores(total: str, count: str, evaluation: str = "accuracy") -> list[Series]:
    named = {"gen_ai_evaluation_name": evaluation}
    return [UP, (f"{SCORES}_sum", named, total), (f"{SCORES}_count", named, count)]


def tools(well: str, failed: str) -> list[Series]:
    return [
        UP,
        (f"{TOOLS}_count", {**OF_TOOL, "error_type": ""}, well),
        (f"{TOOLS}_count", {**OF_TOOL, "error_type": "timeout"}, failed),
    ]


def context(used: str, *besides: Series) -> list[Series]:
    limit = ("pulseguard_context_window_limit_tokens", OF_MODEL, "1000x100")
    return [("pulseguard_context_tokens", OF_MODEL, used), limit, *besides]


def state(stuck: str, progress: str) -> list[Series]:
    return [
        ("pulseguard_agent_state", {"state": "stuck"}, stuck),
        ("pulseguard_agent_state", {"state": "idle"}, "0x100"),
        ("pulseguard_last_progress_timestamp_seconds", {}, progress),
    ]


OF_CHAT = {**OF_CALL, "error_type": ""}
AGENTS = {
    "agent-down": Agents(
        fires=[("up", {}, "1x60 0x40")],
        quiet={"that answers": [UP], "that said goodbye": [("up", {}, "1x50 stale")]},
        value="0",
    ),
    "error-rate": Agents(
        fires=calls("0+3x100", "0+1x100"),
        quiet={
            "that never fails": calls("0+4x100"),
            "of which one in forty fails": calls("0+39x100", "0+1x100"),
            "of few calls": calls("0+0.1x100", "0+0.1x100"),
            "without calls": [UP],
        },
        value="250m",
    ),
    "latency-p95": Agents(
        fires=buckets(CALLS, OF_CHAT, "0+3.6x100", "0+4x100"),
        quiet={
            "that is fast": buckets(CALLS, OF_CHAT, "0+4x100", "0+4x100"),
            "of few calls": buckets(CALLS, OF_CHAT, "0x100", "0+0.2x100"),
        },
        value="25.6",
    ),
    "time-to-first-token": Agents(
        fires=buckets(STREAMS, OF_CALL, "0+3.6x100", "0+4x100"),
        quiet={
            "that is fast": buckets(STREAMS, OF_CALL, "0+4x100", "0+4x100"),
            "of few streams": buckets(STREAMS, OF_CALL, "0x100", "0+0.2x100"),
        },
        value="6.4",
    ),
    "cost-per-hour": Agents(
        fires=[("pulseguard_cost_usd_total", OF_TOKENS, "0+0.2x100")],
        quiet={"within its budget": [("pulseguard_cost_usd_total", OF_TOKENS, "0+0.05x100")]},
        value="24",
    ),
    "tokens-per-minute": Agents(
        fires=[("pulseguard_tokens_total", OF_TOKENS, "0+60000x100")],
        quiet={"of fewer": [("pulseguard_tokens_total", OF_TOKENS, "0+40000x100")]},
        value="120k",
    ),
    "evaluation-below": Agents(
        fires=scores("0+0.5x100", "0+1x100"),
        quiet={
            "of good scores": scores("0+0.9x100", "0+1x100"),
            "of few scores": scores("0x70 0.2+0.1x2 0.4x27", "0x70 1+1x2 3x27"),
            "of another evaluation": scores("0+0.5x100", "0+1x100", "tone"),
        },
        value="500m",
    ),
    "context-nearly-full": Agents(
        fires=context("950x100", *calls("0+4x100")),
        quiet={
            "of half a window": context("500x100", *calls("0+4x100")),
            "that is idle": context("950x100", *calls("7x100")),
        },
        value="950m",
    ),
    "tool-failures": Agents(
        fires=tools("0+3x100", "0+1x100"),
        quiet={
            "of which one in ten fails": tools("0+9x100", "0+1x100"),
            "of few tools": tools("0+0.1x100", "0+0.1x100"),
            # Nothing has begun: the agent was not understood for a minute.
            "of which samples are missing": tools("0+0.1x100", "100x74 _x2 100x30"),
        },
        value="250m",
    ),
    "stuck": Agents(
        fires=state("0x20 1x80", "0x100"),
        quiet={
            "that waits": state("0x100", "0x100"),
            "that has just progressed": state("1x100", "0+30x100"),
        },
        value="2.4k",
    ),
    "no-traffic": Agents(
        fires=[UP],
        quiet={
            "of some calls": [UP, *calls("0x60 1x40")],
            "that is new": [("up", {}, "_x60 1x40")],
            "that is down": [("up", {}, "1x70 0x30")],
        },
        value="0",
    ),
}
# A burst that comes with the first sample that there is of it.
BURST: list[Series] = [UP, (f"{TOOLS}_count", {**OF_TOOL, "error_type": "timeout"}, "_x74 6x26")]
FALLING: list[Series] = [("up", {}, "1x64 0 1 1 0 1 0 1 1 0 1 0 1x20")]


def written(series: Series, agent_id: str, team: str) -> dict[str, str]:
    """As promtool reads it."""
    name, besides, values = series
    target = {
        "job": "agents",
        "agent_id": agent_id,
        "agent": "bot",
        "instance": "web-1",
        "environment": "production",
        "agent_type": "LLM_AGENT",
        "team": team,
    }
    labels = ",".join(f"{label}={quoted(value)}" for label, value in (target | besides).items())
    return {"series": f"{name}{{{labels}}}", "values": values}
