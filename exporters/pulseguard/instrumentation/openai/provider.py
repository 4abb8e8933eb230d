"""Whom an openai client talks to: by its class and its base URL, for other providers too."""

from typing import Any, Final

# Any in this module: clients that are not ours.
OPENAI: Final = "openai"
AZURE: Final = "azure.ai.openai"
# The names are OpenTelemetry's (gen_ai.provider.name) where it has one.
_HOSTS: Final = {
    "api.openai.com": OPENAI,
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
}
_AZURE_HOSTS: Final = (
    ".openai.azure.com",
    ".openai.azure.us",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
)
# The first version of Azure's API that takes `stream_options`; later ones are words too.
_AZURE_WITH_USAGE: Final = "2024-09-01"


def provider_and_model(client: Any, model: object) -> tuple[str, str]:
    """What the calls of this client are counted under; with Azure the deployment it is bound to."""
    asked = model if isinstance(model, str) else ""
    # Only the client's own classes for Azure have it.
    deployment = getattr(client, "_azure_deployment", client)
    if deployment is not client:
        return AZURE, deployment if isinstance(deployment, str) else asked
    host = _host(client)
    known = _HOSTS.get(host)
    if known is not None:
        return known, asked
    return AZURE if host.endswith(_AZURE_HOSTS) else OPENAI, asked


def takes_stream_options(client: Any) -> bool:
    """Whether this server is known to take `stream_options`: others may refuse it."""
    if hasattr(client, "_azure_deployment"):
        return str(getattr(client, "_api_version", "")) >= _AZURE_WITH_USAGE
    host = _host(client)
    return host.endswith(("api.openai.com", *_AZURE_HOSTS))


def _host(client: Any) -> str:
    # What the property returns, which takes longer than all the rest of this module.
    url = getattr(client, "_base_url", None)
    host: str = (client.base_url if url is None else url).host
    return host
