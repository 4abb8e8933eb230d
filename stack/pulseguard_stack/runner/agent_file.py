"""The file by which the user's own agents find the stack that runs, with no variable set.

A user has one such file: of two stacks the later has it, and the earlier gets it back.
"""

from pathlib import Path
from typing import Any

from pulseguard_stack.runner.owned_files import read_json_object, write_owned_json
from pulseguard_stack.runner.processes import Process, is_alive
from pulseguard_stack.runner.run_file import Addresses

# The files of the other stacks of this user, the latest first.
EARLIER = "earlier"

Document = dict[str, Any]  # Any: JSON


def write_agent_file(path: Path, addresses: Addresses, key_file: Path, runner: Process) -> None:
    """Written when the registry is ready; the exporter reads registry_url and key_file."""
    ours: Document = {
        "registry_url": addresses.registry_url,
        "key_file": str(key_file),
        "prometheus_url": addresses.prometheus_url,
        "runner_pid": runner.pid,
        "runner_started": runner.started,
    }
    write_owned_json(path, {**ours, EARLIER: _alive(_documents_in(path), addresses)})


def remove_agent_file(path: Path, addresses: Addresses) -> None:
    """Taken away with the stack, or given back to an earlier one that runs on.

    Where it speaks of another stack by now, it is left alone.
    """
    documents = _documents_in(path)
    if not documents or documents[0].get("registry_url") != addresses.registry_url:
        return
    earlier = _alive(documents, addresses)
    if earlier:
        write_owned_json(path, {**earlier[0], EARLIER: earlier[1:]})
    else:
        path.unlink(missing_ok=True)


def _documents_in(path: Path) -> list[Document]:
    """The file's document and those of earlier stacks that it keeps."""
    document = read_json_object(path)
    if document is None:
        return []
    kept = document.pop(EARLIER, [])
    earlier = kept if isinstance(kept, list) else []
    return [document, *(each for each in earlier if isinstance(each, dict))]


def _alive(documents: list[Document], ours: Addresses) -> list[Document]:
    """Those of other stacks whose runner still lives."""
    others = (each for each in documents if each.get("registry_url") != ours.registry_url)
    return [each for each in others if _is_alive(each)]


def _is_alive(document: Document) -> bool:
    pid, started = document.get("runner_pid"), document.get("runner_started")
    return isinstance(pid, int) and is_alive(Process(pid, str(started)))
