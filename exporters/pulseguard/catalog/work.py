"""The metrics of the agent as a whole: its tasks, how good it is, how it is doing."""

from typing import Final

from pulseguard.catalog.metric import (
    ACCURACY,
    CONFIDENCE,
    LABEL_AGENT_VERSION,
    LABEL_CONFIG_HASH,
    LABEL_EVALUATION,
    LABEL_EXPORTER_VERSION,
    LABEL_FRAMEWORK,
    LABEL_OUTCOME,
    LABEL_SEMCONV,
    LABEL_STATE,
    RATIO_BUCKETS,
    Metric,
)

_FIELDS_OF_THE_SNAPSHOT = ((ACCURACY,), (CONFIDENCE,))
_TASK_SECONDS = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)

TASKS_STARTED: Final = Metric("pulseguard_tasks_started_total", "counter", "Tasks begun.")
TASKS: Final = Metric(
    "pulseguard_tasks_total", "counter", "Tasks ended, by outcome.", (LABEL_OUTCOME,)
)
TASKS_IN_PROGRESS: Final = Metric(
    "pulseguard_tasks_in_progress", "gauge", "Tasks that have begun and not ended."
)
TASKS_PENDING: Final = Metric(
    "pulseguard_tasks_pending",
    "gauge",
    "Tasks that wait in the agent's queue; absent where nobody tells.",
)
OLDEST_PENDING_TASK_AGE: Final = Metric(
    "pulseguard_oldest_pending_task_age_seconds",
    "gauge",
    "How long the oldest waiting task has been waiting; absent where nobody tells.",
    (),
    "seconds",
)
TASK_DURATION: Final = Metric(
    "pulseguard_task_duration_seconds",
    "histogram",
    "Duration of tasks, by outcome.",
    (LABEL_OUTCOME,),
    "seconds",
    _TASK_SECONDS,
)
EVALUATION_SCORE: Final = Metric(
    "pulseguard_evaluation_score_ratio",
    "histogram",
    "Scores given by evaluations, 0 to 1.",
    (LABEL_EVALUATION,),
    "ratio",
    RATIO_BUCKETS,
    max_label_sets=10,
    always=_FIELDS_OF_THE_SNAPSHOT,
)
EVALUATION_LAST_SCORE: Final = Metric(
    "pulseguard_evaluation_last_score_ratio",
    "gauge",
    "The latest score of an evaluation, 0 to 1.",
    (LABEL_EVALUATION,),
    "ratio",
    max_label_sets=10,
    always=_FIELDS_OF_THE_SNAPSHOT,
)
AGENT_STATE: Final = Metric(
    "pulseguard_agent_state", "gauge", "1 for the state the agent is in, else 0.", (LABEL_STATE,)
)
LAST_PROGRESS: Final = Metric(
    "pulseguard_last_progress_timestamp_seconds",
    "gauge",
    "When a task, call or tool last ended well, or the agent told of progress, Unix time.",
    (),
    "seconds",
)
LAST_ACTIVITY: Final = Metric(
    "pulseguard_last_activity_timestamp_seconds",
    "gauge",
    "When a task, call or tool last began or ended, Unix time.",
    (),
    "seconds",
)
AGENT_INFO: Final = Metric(
    "pulseguard_agent_info",
    "gauge",
    "Always 1; versions and configuration of the agent.",
    (
        LABEL_AGENT_VERSION,
        LABEL_FRAMEWORK,
        LABEL_EXPORTER_VERSION,
        LABEL_CONFIG_HASH,
        LABEL_SEMCONV,
    ),
)
PROCESS_CPU: Final = Metric(
    "pulseguard_process_cpu_ratio",
    "gauge",
    "CPU cores used by the process since the last scrape; 1 is one core.",
    (),
    "ratio",
)
PROCESS_MEMORY: Final = Metric(
    "pulseguard_process_memory_rss_bytes", "gauge", "Resident memory of the process.", (), "bytes"
)
PROCESS_OPEN_FDS: Final = Metric(
    "pulseguard_process_open_fds", "gauge", "File descriptors that the process holds open."
)
PROCESS_THREADS: Final = Metric("pulseguard_process_threads", "gauge", "Threads of the process.")
PROCESSES: Final = Metric(
    "pulseguard_processes",
    "gauge",
    "Processes of a program that `pulseguard run` has started: the other process metrics are sums "
    "over them; absent elsewhere.",
)
HOST_CPU: Final = Metric(
    "pulseguard_host_cpu_ratio",
    "gauge",
    "Share of all the host's CPUs in use since the last scrape, 0 to 1.",
    (),
    "ratio",
)
HOST_MEMORY_AVAILABLE: Final = Metric(
    "pulseguard_host_memory_available_bytes",
    "gauge",
    "Memory that the host can give to processes without swapping.",
    (),
    "bytes",
)

WORK_METRICS: Final[tuple[Metric, ...]] = (
    TASKS_STARTED,
    TASKS,
    TASKS_IN_PROGRESS,
    TASKS_PENDING,
    OLDEST_PENDING_TASK_AGE,
    TASK_DURATION,
    EVALUATION_SCORE,
    EVALUATION_LAST_SCORE,
    AGENT_STATE,
    LAST_PROGRESS,
    LAST_ACTIVITY,
    AGENT_INFO,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_OPEN_FDS,
    PROCESS_THREADS,
    PROCESSES,
    HOST_CPU,
    HOST_MEMORY_AVAILABLE,
)
