"""New API keys in the place of those that are there, without a moment at which none works."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from pulseguard_stack.deployment.folder import Say, opened, write_secret
from pulseguard_stack.deployment.secret_files import COPIES, FILES, KEYS, Texts, planned
from pulseguard_stack.errors import SecretsUnusable, SettingUnusable

# The registry looks for new keys every second; a busy one has five.
TAKEN_OVER_SECONDS: Final = 5.0
FORMER_KEY_MINUTES: Final = 15


def is_rotation(environment: Mapping[str, str]) -> bool:
    """Whether ROTATE asks for new keys; SettingUnusable where it is neither yes nor no."""
    asked = environment.get("ROTATE", "")
    if asked not in ("", "0", "1"):
        raise SettingUnusable(
            f"ROTATE={asked}: give 1 for new API keys in the place of those that are there, or"
            " leave it out"
        )
    return asked == "1"


def rotate_keys(folder: Path, say: Say, wait: Callable[[float], None] = time.sleep) -> None:
    """Afterwards every API key is a new one; passwords and the pepper are as they were.

    The registry has the new keys before anybody else, so that none is used before it works.
    SecretsUnusable where there is nothing to be replaced, or a file cannot be used or written.
    """
    with opened(folder, say) as held:
        _require_all(folder, held)
        wanted = planned({path: text for path, text in held.items() if path not in KEYS})
        _write(folder, KEYS, wanted)
        say(f"{folder}: new {', '.join(KEYS)}")
        say(f"waiting {TAKEN_OVER_SECONDS:.0f} s, in which a running registry takes them over")
        wait(TAKEN_OVER_SECONDS)
        _write(folder, COPIES, wanted)
    say(f"{folder}: copied to {', '.join(COPIES)}")
    say(
        f"The former keys work for {FORMER_KEY_MINUTES} minutes more: give the new"
        f" {folder}/registry/agents.key to agents elsewhere"
    )
    say("that hold the former one, and the new admin.key to whoever uses it.")
    say("Passwords, the pepper and Grafana's secret.key are as they were: ROTATE is for API keys.")


def _require_all(folder: Path, held: Texts) -> None:
    missing = [str(folder / file.path) for file in FILES if file.path not in held]
    if missing:
        raise SecretsUnusable(
            f"ROTATE=1 replaces keys that are there, and {missing[0]} is not; run `make secrets`"
            " first"
        )


def _write(folder: Path, paths: Iterable[str], wanted: Texts) -> None:
    for path in paths:
        write_secret(folder, path, wanted[path])
