"""The keys with which the components speak to the registry: made once, kept, mended."""

import time
from collections.abc import Mapping

from pulseguard_stack.errors import RegistryRefused
from pulseguard_stack.runner.loopback import Answer, ask
from pulseguard_stack.runner.owned_files import write_owned_text
from pulseguard_stack.runner.places import KeyName, Places
from pulseguard_stack.runner.settings import new_key_command

PATIENCE_SECONDS = 10.0
_SECONDS_BETWEEN = 0.2
# None at all, and that the database does not answer.
_NO_ANSWER = (0, 503)
WANTED: Mapping[KeyName, Mapping[str, str]] = {
    "agent": {"role": "agent", "environment": "production"},
    "prometheus": {"role": "prometheus"},
    "viewer": {"role": "viewer"},
    "demo": {"role": "agent", "environment": "demo"},
}


def ensure_keys(registry_url: str, places: Places) -> None:
    """Sees to it that every key file holds a key that the registry knows.

    Raises RegistryRefused where one has to be made and cannot be, or where nobody answers.
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
    return bool(key) and _ask(registry_url, places, key).status == 403


def _make_key(registry_url: str, places: Places, name: KeyName, wanted: Mapping[str, str]) -> str:
    body = {"name": f"make up: {name}", **wanted}
    answer = _ask(registry_url, places, _admin_key(places), body)
    if not answer.is_success:
        raise RegistryRefused(
            f"the registry makes no key {name!r} (status {answer.status}): is"
            f" {places.admin_key} the admin key of its database? {_mend(places)}"
        )
    return str(answer.document()["key"])


def _ask(registry_url: str, places: Places, key: str, body: object = None) -> Answer:
    """What it says of keys; on a machine that is busy it may want some seconds, once it is ready.

    Raises RegistryRefused where it has not answered until then.
    """
    url = f"{registry_url}/api/v1/keys"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while seconds := max(deadline - time.monotonic(), 0):
        answer = ask(url, key=key, body=body, timeout_seconds=seconds)
        if answer.status not in _NO_ANSWER:
            return answer
        time.sleep(min(_SECONDS_BETWEEN, seconds))
    raise RegistryRefused(
        f"the registry has not answered {url} within {PATIENCE_SECONDS:g} s;"
        f" its log {places.log('registry')} says why"
    )


def _admin_key(places: Places) -> str:
    try:
        return places.admin_key.read_text(encoding="ascii").strip()
    except OSError as problem:
        raise RegistryRefused(
            f"the admin key {places.admin_key} cannot be read ({problem.strerror}); {_mend(places)}"
        ) from problem


def _mend(places: Places) -> str:
    return f"put it back, or have another made: {new_key_command(places.data_dir)}"
