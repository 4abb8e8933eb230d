"""Which key goes to the registry: the one that is set, or the own one that enrolment yielded."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pulseguard.errors import ConfigurationError
from pulseguard.key_file import read_secret_file
from pulseguard.settings_file import settings_file

ENROLS: Final = "pg_enrolment_"
_OWN: Final = "pg_agent_"
_OWN_FILE: Final = "file of the agent's own key"


def own_key_path(folder: Path | None, registry_url: str, agent_id: str) -> Path:
    """Where the key that enrolment yields is kept: it is one agent's, for one registry.

    `folder` is the setting `key_folder`; without it the folder is one of the user's.
    """
    import hashlib  # here: few agents are enrolled, and all pay for an import

    registry = hashlib.sha256(registry_url.encode()).hexdigest()[:16]
    folder = folder or settings_file(os.environ).parent / "keys"
    return folder / f"{registry}-{agent_id}.key"


class Keys:
    """Whose key enrols keeps its own in a file: that one works when the other has ended."""

    def __init__(
        self,
        read_set: Callable[[], str | None],
        own_path: Callable[[], Path],
        complain: Callable[[ConfigurationError], None],
        setting: str,
    ) -> None:
        """`complain` is told of a kept key that cannot be used: then the one that is set is next.

        `setting` is what a complaint calls the folder of `own_path`.
        """
        self._read_set = read_set
        self._own_path = own_path
        self._complain = complain
        self._setting = setting
        self._own: str | None = None
        self._refused: str | None = None

    def read(self) -> str | None:
        """The key of now, of those that the registry has not just refused."""
        key = self._read_set()
        if key is None or not key.startswith(ENROLS):
            return key
        if self._own in (None, self._refused):
            self._own = self._stored()
        return key if self._own in (None, self._refused) else self._own

    def refuse(self, key: str | None) -> None:
        """The registry does not take it: where there are two, the other one is next."""
        self._refused = key

    def keep(self, key: str) -> None:
        """Use this own one from now on, after a restart too; ConfigurationError where only until
        then."""
        self._own = key
        path = self._own_path()
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                draft.unlink()
            # Nobody's link is followed, and nobody else ever reads it.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(draft, flags, 0o600), "w") as file:
                file.write(f"{key}\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except (OSError, ValueError) as error:
            mend = (
                f"the agent's own key cannot be kept there ({error}), so that after a restart it"
                " has to be enrolled again; give a folder that this user may write"
            )
            raise ConfigurationError(self._setting, str(path.parent), mend) from error

    def _stored(self) -> str | None:
        """The own one of before; None where there is none that could be one."""
        path = self._own_path()
        why = "it holds no key of an agent's own"
        try:
            key = read_secret_file(_OWN_FILE, path)
            if key.startswith(_OWN):
                return key
        except ConfigurationError as error:
            if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                return None
            why = error.mend
        mend = (
            f"{why}. The agent is to be enrolled again, which writes it anew; its folder is that of"
            f" {self._setting}"
        )
        self._complain(ConfigurationError(_OWN_FILE, str(path), mend))
        return None
