"""What a refusal of the registry means to whoever reads the agent's log, with the mend."""

from pulseguard.reporting.client import Reply


def refusal(url: str, reply: Reply) -> str:
    """The line about an answer that is none of success."""
    if reply.is_of_another_server:
        return no_registry(url, reply)
    said = f"the registry {url} answers {reply.status}: {reply.detail}"
    # A problem that names what is wrong, as a retired agent, brings its own mend.
    if reply.status in (401, 403) and not reply.body.get("errors"):
        return (
            f"{said}. Give this agent's environment a key of role agent in PULSEGUARD_KEY "
            "or the file PULSEGUARD_KEY_FILE; trying again"
        )
    return said


def no_registry(url: str, reply: Reply) -> str:
    """The line about an answer that no registry gives."""
    return (
        f"{url} is no PulseGuard registry: what answers there says "
        f"{reply.status}; mend PULSEGUARD_REGISTRY_URL; trying again"
    )
