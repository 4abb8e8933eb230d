"""What GenAI spans say, in the spellings that libraries emit today: numbers and names alone.

The conventions are still "Development" and have been renamed more than once, so every fact has
several names; the newest comes first. Sources: semantic-conventions 1.41.1 and
semantic-conventions-genai (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/),
opentelemetry-util-genai 1.3, Pydantic AI 2.68, Traceloop's instrumentations 0.62.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from pulseguard.recording.usage import Usage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event

Kind = Literal["generation", "embeddings", "tool", "agent", "workflow"]
# As OpenTelemetry has them; a value is never more than looked at.
Attributes = Mapping[str, object]

INFERENCE: Final = frozenset[Kind | None]({"generation", "embeddings"})

_KINDS: Final[Mapping[object, Kind]] = {
    "chat": "generation",
    "text_completion": "generation",
    "generate_content": "generation",
    "embeddings": "embeddings",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "invoke_workflow": "workflow",
}
_OPERATION: Final = "gen_ai.operation.name"
_PROVIDER: Final = ("gen_ai.provider.name", "gen_ai.system")
_MODEL: Final = ("gen_ai.request.model", "gen_ai.response.model")
_INPUT: Final = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
_OUTPUT: Final = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
_CACHE_READ: Final = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
)
_CACHE_WRITE: Final = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.details.cache_write_tokens",
)
_REASONING: Final = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
)
_FIRST_CHUNK: Final = (
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk",
)
_CHUNK_EVENTS: Final = frozenset(
    {"gen_ai.content.completion.chunk", "llm.content.completion.chunk"}
)
_EVALUATION: Final = "gen_ai.evaluation.result"
_EVALUATION_NAME: Final = "gen_ai.evaluation.name"
_EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
# Older and home-made spellings of the names in the conventions' registry.
_PROVIDERS: Final[Mapping[str, str]] = {
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google-gla": "gcp.gemini",
    "google-vertex": "gcp.vertex_ai",
    "vertex_ai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}


def at_hand(attributes: Attributes | None) -> Attributes:
    """The attributes as a dict: those of OpenTelemetry take a lock for each that is looked up."""
    copy = getattr(attributes, "copy", None)
    copied: Attributes = dict(attributes or {}) if copy is None else copy()
    return copied


def kind_of(attributes: Attributes | None) -> Kind | None:
    """What a span with these attributes is about; None for anything but the known operations."""
    return _KINDS.get(attributes.get(_OPERATION)) if attributes else None


def kind_of_operation(operation: str) -> Kind:
    """What a model call under this name is about; whatever is not known generates."""
    return _KINDS.get(operation, "generation")


def operation_of(attributes: Attributes) -> str:
    """The operation, as it was named."""
    return _text(attributes, (_OPERATION,))


def provider_of(attributes: Attributes) -> str:
    """The provider by its name in the conventions; empty where nobody says."""
    stated = _text(attributes, _PROVIDER)
    return _PROVIDERS.get(stated, stated)


def model_of(attributes: Attributes) -> str:
    """The model asked for, else the one that answered; empty where nobody says."""
    return _text(attributes, _MODEL)


def tool_of(attributes: Attributes) -> tuple[str, str]:
    """Name and type of a tool; a function where the type is not said."""
    kind = _text(attributes, ("gen_ai.tool.type",)) or "function"
    return _text(attributes, ("gen_ai.tool.name",)), kind


def agent_of(attributes: Attributes) -> str:
    """The name of the logical agent; empty where nobody says."""
    return _text(attributes, ("gen_ai.agent.name",))


def workflow_of(attributes: Attributes) -> str:
    """The name of the workflow; empty where nobody says."""
    return _text(attributes, ("gen_ai.workflow.name",))


def usage_of(attributes: Attributes, events: "Sequence[Event]" = ()) -> Usage | None:
    """The tokens: input with the cached ones, output with reasoning. None where nobody says.

    Where the span does not say it, the latest of its events that does: some tell it there alone.
    """
    told = map(_usage_in, [attributes, *(event.attributes or {} for event in reversed(events))])
    return next((usage for usage in told if usage is not None), None)


def first_chunk_of(
    attributes: Attributes, events: "Sequence[Event]", started_ns: int, seconds: float
) -> float | None:
    """Seconds to the first chunk of a stream, within the span's own; None where nobody says."""
    first = _number(attributes, _FIRST_CHUNK)
    if first is None:
        arrived = next((event.timestamp for event in events if event.name in _CHUNK_EVENTS), None)
        first = None if arrived is None else (arrived - started_ns) / 1e9
    return float(first) if first is not None and 0 < first <= seconds else None


def evaluations_in(events: "Sequence[Event]") -> list[tuple[str, float]]:
    """Names and scores of the evaluations among the events; of scores, those from 0 to 1."""
    found: list[tuple[str, float]] = []
    for event in events:
        if event.name == _EVALUATION and event.attributes:
            score = _number(event.attributes, (_EVALUATION_SCORE,))
            if score is not None and 0 <= score <= 1:
                found.append((_text(event.attributes, (_EVALUATION_NAME,)), float(score)))
    return found


def _usage_in(attributes: Attributes) -> Usage | None:
    usage = Usage(
        input=_count(attributes, _INPUT),
        output=_count(attributes, _OUTPUT),
        cache_read=_count(attributes, _CACHE_READ),
        cache_write=_count(attributes, _CACHE_WRITE),
        reasoning=_count(attributes, _REASONING),
    )
    return None if usage.input is None and usage.output is None else usage


def _text(attributes: Attributes, names: Sequence[str]) -> str:
    for name in names:
        value = attributes.get(name)
        if value and isinstance(value, str):
            return value
    return ""


def _count(attributes: Attributes, names: Sequence[str]) -> int | None:
    number = _number(attributes, names)
    # Some count in floats. What is no count at all (NaN, less than zero) is unknown.
    if number is None or not 0 <= number <= 2**53 or number != int(number):
        return None
    return int(number)


def _number(attributes: Attributes, names: Sequence[str]) -> int | float | None:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
    return None
