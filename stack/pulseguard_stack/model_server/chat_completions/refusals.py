"""What each of OpenAI's endpoints refuses: an unknown model, and more than it can read."""

from __future__ import annotations

from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.models import Model
from pulseguard_stack.model_server.outcomes import Outcome


def unknown_model(model: str) -> Refusal:
    """OpenAI's 404 for a model that it does not have."""
    message = f"The model `{model}` does not exist in this simulation."
    kind = "invalid_request_error"
    return Refusal(Outcome.BAD_REQUEST, 404, kind, message, "model_not_found", "model")


def check_window(model: Model, prompt: int, param: str) -> None:
    """Raises Refusal where the prompt, so many tokens, is longer than the model's window."""
    if prompt > model.context_window:
        message = (
            f"This model's maximum context length is {model.context_window} tokens. "
            f"However, your {param} resulted in {prompt} tokens. "
            f"Please reduce the length of the {param}."
        )
        kind, code = "invalid_request_error", "context_length_exceeded"
        raise Refusal(Outcome.CONTEXT_LENGTH, 400, kind, message, code, param)
