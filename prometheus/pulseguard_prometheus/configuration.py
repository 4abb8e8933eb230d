"""The prometheus.yml that PulseGuard ships, and the same with other addresses and intervals."""

from pathlib import Path
from typing import Any

import yaml

from pulseguard_prometheus.errors import ConfigurationMismatch

# Longer than any answer of an agent should take, and within each interval that is offered.
SCRAPE_TIMEOUT_SECONDS = 5.0


def shipped_configuration() -> str:
    """Answers the text of the shipped prometheus.yml, in a wheel as in a checkout."""
    # In a checkout this is a link to ../prometheus.yml, where people look for it. The build
    # back-end's own way, force-include, leaves a stray copy in every editable install.
    return Path(__file__).with_name("prometheus.yml").read_text(encoding="utf-8")


def render_configuration(
    text: str,
    *,
    scrape_interval_seconds: float,
    registry_address: str,
    alertmanager_address: str,
    prometheus_address: str,
) -> str:
    """Answers the configuration with these addresses (host:port) and intervals, else unchanged.

    Rules are evaluated as often as agents are scraped. Raises ConfigurationMismatch where the text
    has not exactly the places that are to be changed.
    """
    document = yaml.safe_load(text)
    interval = _duration(scrape_interval_seconds)
    timeout = _duration(min(scrape_interval_seconds, SCRAPE_TIMEOUT_SECONDS))
    try:
        _set_intervals(document, interval, timeout)
        _set_address(document["alerting"]["alertmanagers"][0], alertmanager_address)
        _set_address(_job(document, "registry"), registry_address)
        _set_address(_job(document, "registry-agents"), registry_address)
        _set_address(_job(document, "prometheus"), prometheus_address)
    except (LookupError, TypeError, ValueError) as problem:
        raise ConfigurationMismatch(
            f"this is not the shipped prometheus.yml: no place for {problem}"
        ) from problem
    # One place each: an anchor would tie what the next reader changes to what he does not see.
    return yaml.dump(document, Dumper=_WithoutAnchors, sort_keys=False)


class _WithoutAnchors(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


# Any: a YAML document; the steps below find out whether it has the shape they need.
def _set_intervals(document: Any, interval: str, timeout: str) -> None:
    settings = document["global"]
    _replace(settings, "scrape_interval", interval)
    _replace(settings, "evaluation_interval", interval)
    _replace(settings, "scrape_timeout", timeout)
    fences = {
        step.get("target_label"): step for step in _job(document, "agents")["relabel_configs"]
    }
    _replace(fences["__scrape_interval__"], "replacement", interval)
    _replace(fences["__scrape_timeout__"], "replacement", timeout)


# Any: see above.
def _job(document: Any, name: str) -> Any:
    jobs = [job for job in document["scrape_configs"] if job["job_name"] == name]
    if len(jobs) != 1:
        raise LookupError(f"job {name!r}")
    return jobs[0]


# Any: see above.
def _set_address(holder: Any, address: str) -> None:
    ((configured,),) = [group["targets"] for group in holder["static_configs"]]
    if not isinstance(configured, str):
        raise TypeError("static_configs")
    holder["static_configs"][0]["targets"] = [address]


# Any: see above.
def _replace(holder: Any, key: str, value: str) -> None:
    if not isinstance(holder[key], str):
        raise TypeError(key)
    holder[key] = value


def _duration(seconds: float) -> str:
    """A Prometheus duration, which has no decimal point."""
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds * 1000:.0f}ms"
