"""What Prometheus and Alertmanager read: written anew at each start, from what is shipped."""

import shutil
from urllib.parse import urlsplit

from pulseguard_prometheus import configuration as shipped
from pulseguard_stack.runner.owned_files import write_owned_text
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.plan import SCRAPE_SECONDS
from pulseguard_stack.runner.run_file import Addresses


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


def _write_rules(places: Places) -> None:
    folder = places.prometheus / "rules"
    # A group that is not shipped any more would be evaluated for ever.
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in shipped.shipped_rules().items():
        write_owned_text(folder / name, text)


def _address(url: str) -> str:
    return urlsplit(url).netloc
