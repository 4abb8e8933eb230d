"""A secret that lies in a file of its own."""

import errno
from typing import TYPE_CHECKING, Final

from pulseguard.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST_BYTES: Final = 65_536
_MENDS: Final = {
    errno.ENOENT: "there is no such file; write it, or mend the path",
    errno.ENOTDIR: "there is no such file; write it, or mend the path",
    errno.EACCES: "this user may not read it; make it the user's own: chown, chmod 600",
    errno.EISDIR: "it is a folder; give the path of the file in it",
}


def read_secret_file(variable: str, path: "Path") -> str:
    """The key or token that the file holds; ConfigurationError where there is none to be had.

    It is what goes into a header: anything else than a line of ASCII would break the request.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES)
    except OSError as error:
        words = _MENDS.get(error.errno or 0) or f"{error.strerror}; give the path of a file"
        raise ConfigurationError(variable, str(path), words) from error
    except ValueError as error:
        raise ConfigurationError(variable, str(path), "give the path of a file") from error
    secret = content.decode("ascii", errors="replace").strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        mend = "it holds no key or token; write it there as it was printed, one line of ASCII"
        raise ConfigurationError(variable, str(path), mend)
    return secret
