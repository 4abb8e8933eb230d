"""The labels of `pulseguard_agent_info`: versions and configuration."""

from typing import Final

from pulseguard.catalog import (
    LABEL_AGENT_VERSION,
    LABEL_CONFIG_HASH,
    LABEL_EXPORTER_VERSION,
    LABEL_FRAMEWORK,
    LABEL_SEMCONV,
)
from pulseguard.description import Description
from pulseguard.version import VERSION

# The conventions whose names the catalogue uses.
_SEMCONV: Final = "1.41.1"


def agent_info(description: Description) -> dict[str, str]:
    """Each label with its value."""
    return {
        LABEL_AGENT_VERSION: description.version,
        LABEL_FRAMEWORK: description.framework,
        LABEL_EXPORTER_VERSION: VERSION,
        LABEL_CONFIG_HASH: description.config_hash,
        LABEL_SEMCONV: _SEMCONV,
    }
