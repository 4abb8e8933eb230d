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


def provider_name(client: Any) -> str:
    """What the calls of this client are counted under."""
    if is_azure_client(client):
        return AZURE
    host = _host(client)
    known = _HOSTS.get(host)
    if known is not None:
        return known
    return AZURE if host.endswith(_AZURE_HOSTS) else OPENAI


def model_name(client: Any, model: object) -> str:
    """The model asked for; with Azure the deployment, where the client is bound to one."""
    deployment = getattr(client, "_azure_deployment", None)
    if isinstance(deployment, str):
        return deployment
    return model if isinstance(model, str) else ""


def takes_stream_options(client: Any) -> bool:
    """Whether this server is known to take `stream_options`: others may refuse it."""
    if is_azure_client(client):
        return str(getattr(client, "_api_version", "")) >= _AZURE_WITH_USAGE
    host = _host(client)
    return host.endswith(("api.openai.com", *_AZURE_HOSTS))


def is_azure_client(client: Any) -> bool:
    """Whether it is one of the client's own classes for Azure."""
    return hasattr(client, "_azure_deployment")


def _host(client: Any) -> str:
    # What the property returns, which takes longer than all the rest of this module.
    url = getattr(client, "_base_url", None)
    host: str = (client.base_url if url is None else url).host
    return host
