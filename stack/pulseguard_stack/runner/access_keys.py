"""The keys with which the components speak to the registry: made once, kept, mended."""

from collections.abc import Mapping

from pulseguard_stack.errors import RegistryRefused
from pulseguard_stack.runner.loopback import ask
from pulseguard_stack.runner.owned_files import write_owned_text
from pulseguard_stack.runner.places import KeyName, Places
from pulseguard_stack.runner.settings import new_key_command

WANTED: Mapping[KeyName, Mapping[str, str]] = {
    "agent": {"role": "agent", "environment": "production"},
    "prometheus": {"role": "prometheus"},
    "viewer": {"role": "viewer"},
    "demo": {"role": "agent", "environment": "demo"},
}


def ensure_keys(registry_url: str, places: Places) -> None:
    """Sees to it that every key file holds a key that the registry knows.

    Raises RegistryRefused where one has to be made and cannot be.
    """
    for name, wanted in WANTED.items():
        if not _is_known(registry_url, places, name):
            made = _make_key(registry_url, places, name, wanted)
            write_owned_text(places.key(name), f"{made}\n")


def _is_known(registry_url: str, places: Places, name: KeyName) -> bool:
    try:
        key = places.key(name).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False
    # Its role may not list keys, which is 403; 401 is for a key that nobody knows.
    return bool(key) and ask(f"{registry_url}/api/v1/keys", key=key).status == 403


def _make_key(registry_url: str, places: Places, name: KeyName, wanted: Mapping[str, str]) -> str:
    body = {"name": f"make up: {name}", **wanted}
    answer = ask(f"{registry_url}/api/v1/keys", key=_admin_key(places), body=body)
    if not answer.is_success:
        raise RegistryRefused(
            f"the registry makes no key {name!r} (status {answer.status}): is"
            f" {places.admin_key} the admin key of its database? {_mend(places)}"
        )
    return str(answer.document()["key"])


def _admin_key(places: Places) -> str:
    try:
        return places.admin_key.read_text(encoding="ascii").strip()
    except OSError as problem:
        raise RegistryRefused(
            f"the admin key {places.admin_key} cannot be read ({problem.strerror}); {_mend(places)}"
        ) from problem


def _mend(places: Places) -> str:
    return f"put it back, or have another made: {new_key_command(places.data_dir)}"
