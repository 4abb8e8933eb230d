"""The metric catalogue: the only place where a metric or label name is spelled."""

from typing import Final

from pulseguard.catalog.calls import *  # noqa: F403
from pulseguard.catalog.calls import CALL_METRICS
from pulseguard.catalog.cost import *  # noqa: F403
from pulseguard.catalog.cost import COST_METRICS
from pulseguard.catalog.exporter import *  # noqa: F403
from pulseguard.catalog.exporter import SELF_METRICS
from pulseguard.catalog.metric import *  # noqa: F403
from pulseguard.catalog.metric import Metric
from pulseguard.catalog.orchestration import *  # noqa: F403
from pulseguard.catalog.orchestration import ORCHESTRATION_METRICS
from pulseguard.catalog.oversight import *  # noqa: F403
from pulseguard.catalog.oversight import OVERSIGHT_METRICS
from pulseguard.catalog.recorded import *  # noqa: F403
from pulseguard.catalog.registry import *  # noqa: F403
from pulseguard.catalog.work import *  # noqa: F403
from pulseguard.catalog.work import WORK_METRICS

# Everything that an agent's /metrics may hold.
AGENT_METRICS: Final[tuple[Metric, ...]] = (
    *CALL_METRICS,
    *COST_METRICS,
    *WORK_METRICS,
    *ORCHESTRATION_METRICS,
    *OVERSIGHT_METRICS,
    *SELF_METRICS,
)
