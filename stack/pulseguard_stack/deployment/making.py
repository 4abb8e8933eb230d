"""Makes the secrets that are missing, and puts right the copies of those that are there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pulseguard_stack.deployment.folder import Say, opened, write_secret
from pulseguard_stack.deployment.secret_files import (
    ADMIN_KEY,
    FOLDERS,
    PASSWORD,
    REMEMBERED,
    URL,
    Texts,
    planned,
)

_MADE: Final = "made"
_PUT_RIGHT: Final = "put right"
_UNCHANGED: Final = "unchanged"


def make_secrets(folder: Path, say: Say) -> None:
    """Afterwards every secret is there; what was there is as it was.

    SecretsUnusable where one cannot be used or written.
    """
    with opened(folder, say) as held:
        wanted = planned(held)
        done = {path: _done(held.get(path), text) for path, text in wanted.items()}
        for path, text in wanted.items():
            if done[path] != _UNCHANGED:
                write_secret(folder, path, text)
    for line in _report(folder, done):
        say(line)
    if ADMIN_KEY in held:
        for line in _warning(folder, done):
            say(line)
    say("next: docker compose up -d --wait")


def _done(held: str | None, wanted: str) -> str:
    if held is None:
        return _MADE
    return _UNCHANGED if held == wanted else _PUT_RIGHT


def _report(folder: Path, done: Texts) -> Iterator[str]:
    """What was done, without a word of any secret."""
    if set(done.values()) == {_UNCHANGED}:
        yield f"{folder}: all {len(done)} secrets are there, and stay as they are"
        return
    for name in FOLDERS:
        here = {path: what for path, what in done.items() if path.startswith(f"{name}/")}
        if here:
            yield f"{folder / name}: {'; '.join(_parts(here))}"
    yield f"{folder}/receivers: for files of yours, as a Slack webhook's address (chmod 444)"


def _parts(here: Mapping[str, str]) -> Iterator[str]:
    for what in (_MADE, _PUT_RIGHT, _UNCHANGED):
        if names := [Path(path).name for path in here if here[path] == what]:
            yield f"{what} {', '.join(names)}"


def _warning(folder: Path, done: Texts) -> Iterator[str]:
    """For one that was there at a time, and that the services' data are of."""
    for path in REMEMBERED:
        # The password is the former one where the database URL still had it.
        is_former = path == PASSWORD and done[URL] == _UNCHANGED
        if done[path] == _MADE and not is_former:
            yield (
                f"attention: {folder / path} was lost, and the services' data are of the former"
                " one; where you have that, as in a backup, write it there and run `make secrets`"
                " again"
            )
