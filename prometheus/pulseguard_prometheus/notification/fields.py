"""What a text may be that Alertmanager takes into its configuration: never a template."""

import re
from typing import Final

from pulseguard_prometheus.errors import BadSetting

_ADDRESS: Final = re.compile(r"[^\s@,;<>\"{}]+@[^\s@,;<>\"{}]+")


def faults_of_text(text: str) -> str | None:
    """Answers why this cannot be a value, None where it can."""
    if not text.isprintable():
        return "has characters that cannot be printed"
    # Alertmanager would expand it.
    if "{{" in text:
        return "has {{, which begins a template"
    return None


def checked_text(setting: str, text: str) -> str:
    """Answers the text; raises BadSetting with the setting's name."""
    if fault := faults_of_text(text):
        raise BadSetting(f"{setting} {text!r}: {fault}; leave that out")
    return text


def checked_address(setting: str, text: str) -> str:
    """Answers one e-mail address; raises BadSetting with the setting's name."""
    address = checked_addresses(setting, text)
    if not address or "," in address:
        raise BadSetting(f"{setting} {text!r}: is not one address; write name@example.org")
    return address


def checked_addresses(setting: str, text: str) -> str:
    """Answers e-mail addresses, by comma; raises BadSetting with the setting's name."""
    addresses = [each.strip() for each in text.split(",")] if text.strip() else []
    for address in addresses:
        if not _ADDRESS.fullmatch(address) or not address.isprintable():
            raise BadSetting(
                f"{setting} {text!r}: {address!r} is no address; write name@example.org, several"
                " by comma"
            )
    return ", ".join(addresses)
