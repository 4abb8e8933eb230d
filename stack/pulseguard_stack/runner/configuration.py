"""What Prometheus, Alertmanager and Grafana read: made anew at each start, from what is shipped."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pulseguard_grafana.configuration import shipped_dashboards, shipped_provisioning
from pulseguard_prometheus import configuration as shipped
from pulseguard_stack.runner.owned_files import write_owned_text
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.plan import SCRAPE_SECONDS
from pulseguard_stack.runner.run_file import Addresses

# It complains of each that is missing.
PROVISIONING_FOLDERS = ("datasources", "dashboards", "alerting", "plugins")


def write_configuration(addresses: Addresses, places: Places) -> None:
    """Writes both configurations and the rules, for these addresses."""
    prometheus = shipped.render_configuration(
        shipped.shipped_configuration(),
        scrape_interval_seconds=SCRAPE_SECONDS,
        registry_address=_address(addresses.registry_url),
        alertmanager_address=_address(addresses.alertmanager_url),
        prometheus_address=_address(addresses.prometheus_url),
    )
    write_owned_text(places.prometheus / "prometheus.yml", prometheus)
    _write_rules(places)
    alertmanager = shipped.render_alertmanager_configuration(
        shipped.shipped_alertmanager_configuration(),
        registry_address=_address(addresses.registry_url),
    )
    write_owned_text(places.alertmanager / "alertmanager.yml", alertmanager)


def write_configuration_keys(places: Places) -> None:
    """Puts the key of the role prometheus where both look for it."""
    key = places.key("prometheus").read_text(encoding="ascii")
    for folder in (places.prometheus, places.alertmanager):
        write_owned_text(folder / "secrets" / "prometheus.key", key)


def write_grafana_configuration(places: Places) -> None:
    """Writes its provisioning, the dashboards, and the first time the password of `admin`."""
    folder = places.grafana / "provisioning"
    shutil.rmtree(folder, ignore_errors=True)
    for kind in PROVISIONING_FOLDERS:
        (folder / kind).mkdir(mode=0o700, parents=True)
    _write_texts(folder, shipped_provisioning())
    # Grafana would show a page that is not shipped any more.
    shutil.rmtree(places.grafana_dashboards, ignore_errors=True)
    dashboards = {f"{name}.json": text for name, text in shipped_dashboards().items()}
    _write_texts(places.grafana_dashboards, dashboards)
    write_owned_text(places.grafana / "grafana.ini", "# All settings are in its environment.\n")
    # It is taken over into Grafana's database at the first start: later ones would not count.
    if not places.grafana_password.exists():
        write_owned_text(places.grafana_password, secrets.token_urlsafe(18))


def _write_rules(places: Places) -> None:
    folder = places.prometheus / "rules"
    # A group that is not shipped any more would be evaluated for ever.
    shutil.rmtree(folder, ignore_errors=True)
    _write_texts(folder, shipped.shipped_rules())


def _write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        write_owned_text(folder / name, text)


def _address(url: str) -> str:
    return urlsplit(url).netloc
