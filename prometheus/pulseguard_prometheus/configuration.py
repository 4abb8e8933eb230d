"""The configuration that PulseGuard ships, and the same with other addresses and times."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from pulseguard_prometheus.errors import ConfigurationMismatch

# Longer than any answer of an agent should take, and within each interval that is offered.
SCRAPE_TIMEOUT_SECONDS = 5.0


# In a checkout these are links to the folder above, where people look for them. The build
# back-end's own way, force-include, leaves a stray copy in every editable install.
_SHIPPED = Path(__file__).parent


def shipped_configuration() -> str:
    """Answers the text of the shipped prometheus.yml, in a wheel as in a checkout."""
    return (_SHIPPED / "prometheus.yml").read_text(encoding="utf-8")


def shipped_alertmanager_configuration() -> str:
    """Answers the text of the shipped alertmanager.yml."""
    return (_SHIPPED / "alertmanager.yml").read_text(encoding="utf-8")


def shipped_notification_template() -> str:
    """Answers the text of the shipped pulseguard.tmpl: what notifications say."""
    return (_SHIPPED / "pulseguard.tmpl").read_text(encoding="utf-8")


def shipped_rules() -> dict[str, str]:
    """Answers the texts of the shipped rule files by file name.

    Keep the names: a group that fires loses its state where its file is renamed.
    """
    files = sorted((_SHIPPED / "rules").glob("*.yml"))
    return {file.name: file.read_text(encoding="utf-8") for file in files}


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
    with _mismatch_said("prometheus.yml"):
        _set_intervals(document, interval, timeout)
        _set_address(document["alerting"]["alertmanagers"][0], alertmanager_address)
        _set_address(_job(document, "registry"), registry_address)
        _set_address(_job(document, "registry-agents"), registry_address)
        _set_address(_job(document, "prometheus"), prometheus_address)
        _set_address(_job(document, "alertmanager"), alertmanager_address)
    return dumped(document)


def render_alertmanager_configuration(
    text: str,
    *,
    registry_address: str,
    group_interval_seconds: float | None = None,
    repeat_interval_seconds: float | None = None,
) -> str:
    """Answers the configuration with this registry (host:port) and, where given, these times.

    Raises ConfigurationMismatch where the text has not exactly the places that are to be changed.
    """
    document = yaml.safe_load(text)
    with _mismatch_said("alertmanager.yml"):
        ((webhook,),) = [receiver["webhook_configs"] for receiver in document["receivers"]]
        path = urlsplit(webhook["url"]).path
        _replace(webhook, "url", f"http://{registry_address}{path}")
        for name, seconds in (
            ("group_interval", group_interval_seconds),
            ("repeat_interval", repeat_interval_seconds),
        ):
            if seconds is not None:
                _replace(document["route"], name, _duration(seconds))
    return dumped(document)


def render_rules(text: str, *, pending_seconds: float) -> str:
    """Answers a rule file whose alerts fire after this time and which is evaluated as often as the
    whole configuration says, else unchanged: for tests, which cannot wait."""
    document = yaml.safe_load(text)
    with _mismatch_said("file of rules"):
        for group in document["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                if "alert" in rule:
                    _replace(rule, "for", _duration(pending_seconds))
    return dumped(document)


def dumped(document: object) -> str:
    """Answers the text of a YAML document, its parts in the order that they have."""
    # One place each: an anchor would tie what the next reader changes to what he does not see.
    return yaml.dump(document, Dumper=_WithoutAnchors, sort_keys=False)


class _WithoutAnchors(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


@contextmanager
def _mismatch_said(name: str) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise ConfigurationMismatch(
            f"this is not the shipped {name}: no place for {problem}"
        ) from problem


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
