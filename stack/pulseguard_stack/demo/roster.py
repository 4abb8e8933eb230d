"""The five demo agents by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pulseguard_stack.demo.agents.coder import Coder
from pulseguard_stack.demo.agents.data_pipeline import DataPipeline
from pulseguard_stack.demo.agents.invoice_extraction import InvoiceExtraction
from pulseguard_stack.demo.agents.researcher import Researcher
from pulseguard_stack.demo.agents.support_chat import SupportChat
from pulseguard_stack.demo.worker import Worker

_WORKERS: tuple[type[Worker], ...] = (
    SupportChat,
    Coder,
    Researcher,
    InvoiceExtraction,
    DataPipeline,
)
ROSTER: Mapping[str, type[Worker]] = MappingProxyType(
    {worker.profile.name: worker for worker in _WORKERS}
)
