"""What a pepper has to be; apart from the settings, since the deployment's scripts ask it too."""

from pulseguard_registry.errors import ConfigurationError


def check_pepper(pepper: str, where: str) -> None:
    """ConfigurationError unless it is long, and is not a few characters over and over."""
    if len(pepper.strip()) < 32 or len(set(pepper)) < 8:
        raise ConfigurationError(
            f"{where}: the pepper is shorter than 32 characters, or hardly random; give 32 or more"
            " random ones"
        )
