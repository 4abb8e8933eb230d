"""Whom an anthropic client talks to, by its class."""

from typing import Any, Final

# The names are OpenTelemetry's (gen_ai.provider.name), as the client's own spans have them too:
# what Anthropic itself runs on other clouds (AnthropicAWS, AnthropicGoogleCloud) is Anthropic's.
ANTHROPIC: Final = "anthropic"
_PLATFORMS: Final = {
    "AnthropicBedrock": "aws.bedrock",
    "AsyncAnthropicBedrock": "aws.bedrock",
    "AnthropicBedrockMantle": "aws.bedrock",
    "AsyncAnthropicBedrockMantle": "aws.bedrock",
    "AnthropicVertex": "gcp.vertex_ai",
    "AsyncAnthropicVertex": "gcp.vertex_ai",
}


def provider_name(client: Any) -> str:  # Any: a client that is not ours
    """What the calls of this client are counted under; a subclass counts as its base."""
    for ancestor in type(client).__mro__:
        platform = _PLATFORMS.get(ancestor.__name__)
        if platform is not None:
            return platform
    return ANTHROPIC
