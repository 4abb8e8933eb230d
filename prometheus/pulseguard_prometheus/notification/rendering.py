"""alertmanager.yml and pulseguard.tmpl as they are written, from what is shipped: pure."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from pulseguard_prometheus import configuration as shipped
from pulseguard_prometheus.errors import ConfigurationMismatch
from pulseguard_prometheus.notification.receivers import Receivers
from pulseguard_prometheus.notification.routes import DEADMAN, Times, inhibitions, routes_of
from pulseguard_prometheus.notification.settings import NotificationSettings

TEMPLATE_NAME: Final = "pulseguard.tmpl"
_HEAD: Final = """\
# Written by `pulseguard sync` from its settings (docs/settings.md): what is changed here is undone.
# It may hold secrets. Its {template} is {digest}.
"""
_SHIPPED_REGISTRY: Final = "http://127.0.0.1:8000"
_AGENT_ID: Final = "{{ .Labels.agent_id }}"
# Labels may be anybody's, so each is made one value of an address. An agent of the simulated fleet
# is on offer where that is shown.
_AGENT_VARIABLES: Final = "&".join(
    [
        f"var-{name}={{{{ .Labels.{name} | urlquery }}}}"
        for name in ("environment", "agent", "instance")
    ]
    + ["var-simulation=-"]
)
_SHIPPED_AGENT_PAGE: Final = f"{_SHIPPED_REGISTRY}/api/v1/agents/{_AGENT_ID}/health"


@dataclass(frozen=True)
class Rendered:
    """The two files, as they are to lie beside one another."""

    configuration: str
    template: str


def render(
    settings: NotificationSettings,
    receivers: Receivers,
    times: Times | None = None,
) -> Rendered:
    """Answers both files, the same for the same settings; other times are for tests.

    Raises ConfigurationMismatch where what is shipped has not the places that are to be changed.
    """
    template = _template(settings)
    digest = hashlib.sha256(template.encode()).hexdigest()
    head = _HEAD.format(template=TEMPLATE_NAME, digest=digest)
    document = _document(settings, receivers, times or Times())
    return Rendered(head + shipped.dumped(document), template)


# Any: a YAML document.
def _document(settings: NotificationSettings, receivers: Receivers, times: Times) -> Any:
    document = yaml.safe_load(shipped.shipped_alertmanager_configuration())
    (registry,) = document["receivers"][0]["webhook_configs"]
    registry["url"] = settings.registry_url + urlsplit(registry["url"]).path
    _sign_in(registry["http_config"], settings.key_file)
    people = {
        each.name: {f"{each.kind}_configs": [each.configuration]} for each in receivers.people
    }
    document["receivers"] += [{"name": name, **entry} for name, entry in people.items()]
    if receivers.deadman:
        document["receivers"].append(_deadman(receivers.deadman))
    document["route"]["routes"] += routes_of(receivers, settings.least_severity, times)
    document["inhibit_rules"] = inhibitions()
    document["templates"] = [TEMPLATE_NAME]
    return document


# Any: see above.
def _sign_in(http_config: dict[str, Any], key_file: Path | None) -> None:
    """By the key of sync itself: without one the registry takes alerts from everybody."""
    if key_file is None:
        del http_config["authorization"]
    else:
        http_config["authorization"]["credentials_file"] = str(key_file)


# Any: see above.
def _deadman(url: str) -> dict[str, Any]:
    told = {"url": url, "send_resolved": False, "http_config": {"follow_redirects": False}}
    return {"name": DEADMAN, "webhook_configs": [told]}


def _template(settings: NotificationSettings) -> str:
    text = shipped.shipped_notification_template()
    if text.count(_SHIPPED_AGENT_PAGE) != 1 or text.count(_SHIPPED_REGISTRY) != 2:
        raise ConfigurationMismatch(f"this is not the shipped {TEMPLATE_NAME}: no place for links")
    # Each place by itself: an address that is put in may look like the one that goes.
    parts = text.split(_SHIPPED_AGENT_PAGE)
    return _agent_page(settings).join(
        part.replace(_SHIPPED_REGISTRY, settings.registry_link) for part in parts
    )


def _agent_page(settings: NotificationSettings) -> str:
    """Where a browser finds the agent of an alert."""
    if settings.grafana_link:
        return f"{settings.grafana_link}/d/pulseguard-agent?{_AGENT_VARIABLES}"
    if settings.prometheus_link:
        # All that Prometheus has of it now; 3.x leads from there to its newer page.
        return f"{settings.prometheus_link}/graph?g0.expr=%7Bagent_id%3D%22{_AGENT_ID}%22%7D"
    return f"{settings.registry_link}{_SHIPPED_AGENT_PAGE.removeprefix(_SHIPPED_REGISTRY)}"
