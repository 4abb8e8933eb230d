"""The file by which the user's own agents find the stack that runs, with no variable set."""

from pathlib import Path

from pulseguard_stack.runner.owned_files import read_json_object, write_owned_json
from pulseguard_stack.runner.run_file import Addresses


def write_agent_file(path: Path, addresses: Addresses, key_file: Path) -> None:
    """Written when the registry is ready; the exporter reads registry_url and key_file."""
    write_owned_json(
        path,
        {
            "registry_url": addresses.registry_url,
            "key_file": str(key_file),
            "prometheus_url": addresses.prometheus_url,
        },
    )


def remove_agent_file(path: Path, addresses: Addresses) -> None:
    """Taken away with the stack, unless it speaks of another one by now."""
    document = read_json_object(path)
    if document and document.get("registry_url") == addresses.registry_url:
        path.unlink(missing_ok=True)
