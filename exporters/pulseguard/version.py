"""The version of the installed distribution."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """As the distribution says; "0" where the package runs without one."""
    try:
        return version("pulseguard-monitor")
    except PackageNotFoundError:
        return "0"
