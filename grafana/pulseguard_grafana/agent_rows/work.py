"""What does it do, and how well: tasks, evaluations, tools, errors."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.agent_rows.each import NAME, OF_EACH
from pulseguard_grafana.panels import Panel, Query, heatmap, line, stacked
from pulseguard_grafana.panels.colours import BAD, GOOD, STATES, UNKNOWN, WARNING
from pulseguard_grafana.scope import AGENT

_RATE = "[$__rate_interval]"
_TOOL = "gen_ai_execute_tool_duration_seconds"
_SCORE = "pulseguard_evaluation_score_ratio"

TASKS: Sequence[Panel] = [
    stacked(
        "Tasks by outcome",
        "Tasks that ended, a second. Reads `pulseguard_tasks_total`.",
        Query(f"sum by (outcome) (rate(pulseguard_tasks_total{{{AGENT}}}{_RATE}))", "{{outcome}}"),
        unit="ops",
        no_data="No task has ended, or not reached",
        colours={"completed": GOOD, "failed": BAD, "timeout": WARNING, "cancelled": UNKNOWN},
    ),
    line(
        "Tasks in hand",
        "Tasks that have begun and not ended, and those that wait. Reads"
        " `pulseguard_tasks_in_progress` and `pulseguard_tasks_pending`.",
        Query(f"sum(pulseguard_tasks_in_progress{{{AGENT}}})", "in progress"),
        Query(f"sum(pulseguard_tasks_pending{{{AGENT}}})", "waiting"),
        unit="none",
        no_data="Prometheus did not reach it",
    ),
    heatmap(
        "Duration of tasks",
        "How many tasks a second took how long, from begin to end. Reads"
        " `pulseguard_task_duration_seconds`.",
        "pulseguard_task_duration_seconds",
        f"{{{AGENT}}}",
        unit="s",
        no_data="No task has ended, or not reached",
    ),
]

EVALUATIONS: Sequence[Panel] = [
    line(
        "Evaluations",
        "What each evaluation gave, a mean, from 0 to 1. Reads"
        " `pulseguard_evaluation_score_ratio`.",
        Query(
            f"sum by (gen_ai_evaluation_name) (rate({_SCORE}_sum{{{AGENT}}}{_RATE}))"
            " / (sum by (gen_ai_evaluation_name)"
            f" (rate({_SCORE}_count{{{AGENT}}}{_RATE})) > 0)",
            "{{gen_ai_evaluation_name}}",
        ),
        unit="percentunit",
        no_data="Nothing was evaluated, or not reached",
        share=True,
    ).sized(12),
    line(
        "Latest scores",
        "The latest score of each evaluation of each agent. Reads"
        " `pulseguard_evaluation_last_score_ratio`.",
        Query(
            f"min by (gen_ai_evaluation_name, {OF_EACH})"
            f" (pulseguard_evaluation_last_score_ratio{{{AGENT}}})",
            f"{{{{gen_ai_evaluation_name}}}} {NAME}",
        ),
        unit="percentunit",
        no_data="Nothing was evaluated, or not reached",
        share=True,
        many=True,
    ).sized(12),
]

TOOLS: Sequence[Panel] = [
    line(
        "Tool calls",
        "Executions of each tool, a second. Reads `gen_ai_execute_tool_duration_seconds`.",
        Query(
            f"sum by (gen_ai_tool_name) (rate({_TOOL}_count{{{AGENT}}}{_RATE}))",
            "{{gen_ai_tool_name}}",
        ),
        unit="ops",
        no_data="No tool was used, or not reached",
        many=True,
    ),
    line(
        "Duration of tools",
        "How long an execution of each tool took, a mean. Reads"
        " `gen_ai_execute_tool_duration_seconds`.",
        Query(
            f"sum by (gen_ai_tool_name) (rate({_TOOL}_sum{{{AGENT}}}{_RATE}))"
            f" / (sum by (gen_ai_tool_name) (rate({_TOOL}_count{{{AGENT}}}{_RATE})) > 0)",
            "{{gen_ai_tool_name}}",
        ),
        unit="s",
        no_data="No tool was used, or not reached",
        many=True,
    ),
    line(
        "Tool failures",
        "Executions of each tool that failed, a second. Reads"
        " `gen_ai_execute_tool_duration_seconds`.",
        Query(
            f'sum by (gen_ai_tool_name) (rate({_TOOL}_count{{{AGENT},error_type!=""}}{_RATE}))',
            "{{gen_ai_tool_name}}",
        ),
        unit="ops",
        no_data="No tool has failed, or not reached",
        many=True,
    ).well_empty(),
]

ERRORS: Sequence[Panel] = [
    stacked(
        "Errors by type",
        "Failures, a second; `chat` stands for every model call. Reads `pulseguard_errors_total`.",
        Query(
            f"sum by (source, error_type) (rate(pulseguard_errors_total{{{AGENT}}}{_RATE})) > 0",
            "{{source}}: {{error_type}}",
        ),
        unit="ops",
        no_data="Nothing has failed, or not reached",
        many=True,
    )
    .sized(6)
    .well_empty(),
    stacked(
        "Retries",
        "Attempts of model calls that were repeated, a second. Reads `pulseguard_retries_total`.",
        Query(f"sum by (reason) (rate(pulseguard_retries_total{{{AGENT}}}{_RATE}))", "{{reason}}"),
        unit="ops",
        no_data="Nothing was repeated, or not reached",
    )
    .sized(6)
    .well_empty(),
    line(
        "Waiting",
        "Share of the agents that can do nothing but wait: for a human, a rate limit or a service"
        " outside. Reads `pulseguard_agent_state`.",
        Query(f'avg(pulseguard_agent_state{{{AGENT},state="waiting"}})', "waiting"),
        unit="percentunit",
        no_data="Prometheus did not reach it",
        share=True,
        colours={"waiting": STATES["waiting"]},
    ).sized(6),
    stacked(
        "Time waited",
        "Seconds of all waits that have ended since the agents started, by reason: a wait is"
        " counted when it ends, all of it at once. Reads `pulseguard_waiting_seconds_total`.",
        Query(f"sum by (reason) (pulseguard_waiting_seconds_total{{{AGENT}}})", "{{reason}}"),
        unit="s",
        no_data="No wait has ended, or not reached",
    ).sized(6),
]
