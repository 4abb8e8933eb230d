"""The key with which sync asks the registry, taken anew whenever its file changes."""

from pathlib import Path

from pulseguard_prometheus.errors import KeyTrouble
from pulseguard_prometheus.targets_file import Signature, file_signature


class KeyFile:
    """A file that holds one key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Signature | None = None
        self._key = ""

    def read(self) -> str:
        """Answers the key; raises KeyTrouble, which never carries it."""
        try:
            signature = file_signature(self._path)
            if signature is None or signature != self._seen:
                self._key = _checked(self._path, self._path.read_text(encoding="ascii"))
                self._seen = signature
        except (OSError, UnicodeDecodeError) as problem:
            # Not the decoder's own words: they quote what was read.
            cause = getattr(problem, "strerror", None) or "not text"
            raise KeyTrouble(
                f"the key file {self._path} cannot be read ({cause})",
                "put a key of the role prometheus there, readable by this user",
            ) from problem
        return self._key


def _checked(path: Path, text: str) -> str:
    key = text.strip()
    if not key or not key.isprintable() or " " in key:
        raise KeyTrouble(
            f"the key file {path} holds no key",
            "it should have one line: a key of the role prometheus",
        )
    return key
