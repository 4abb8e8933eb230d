"""What PulseGuard ships for Grafana to read at its start."""

from pathlib import Path

# In a checkout their files are links to the folders above, where people look for them.
_PROVISIONING = Path(__file__).parent / "provisioning"
_DASHBOARDS = Path(__file__).parent / "dashboards"


def shipped_provisioning() -> dict[str, str]:
    """Answers the texts of the provisioning files by their path, in a wheel as in a checkout.

    They expect PULSEGUARD_PROMETHEUS_URL, PULSEGUARD_SCRAPE_INTERVAL and PULSEGUARD_DASHBOARDS, the
    folder of the dashboards, in Grafana's environment.
    """
    files = sorted(_PROVISIONING.rglob("*.yml"))
    return {
        file.relative_to(_PROVISIONING).as_posix(): file.read_text(encoding="utf-8")
        for file in files
    }


def shipped_dashboards() -> dict[str, str]:
    """Answers the texts of the dashboards by their names, in a wheel as in a checkout."""
    files = sorted(_DASHBOARDS.glob("*.json"))
    return {file.stem: file.read_text(encoding="utf-8") for file in files}
