"""What PulseGuard ships for Grafana to read at its start."""

from pathlib import Path

# In a checkout its files are links to the folder above, where people look for them.
_PROVISIONING = Path(__file__).parent / "provisioning"


def shipped_provisioning() -> dict[str, str]:
    """Answers the texts of the provisioning files by their path, in a wheel as in a checkout.

    They expect PULSEGUARD_PROMETHEUS_URL and PULSEGUARD_SCRAPE_INTERVAL in Grafana's environment.
    """
    files = sorted(_PROVISIONING.rglob("*.yml"))
    return {
        file.relative_to(_PROVISIONING).as_posix(): file.read_text(encoding="utf-8")
        for file in files
    }
