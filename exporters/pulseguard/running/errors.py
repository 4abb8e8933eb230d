"""The errors of `pulseguard run`.

PulseGuardError
└── CannotStart    the program is not there, or is none
"""

from pulseguard.errors import PulseGuardError


class CannotStart(PulseGuardError):
    """The program cannot be started; `status` is what a shell would end with."""

    def __init__(self, command: str, cause: OSError) -> None:
        super().__init__(f"{command}: {cause.strerror}")
        # https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02
        self.status = 127 if isinstance(cause, FileNotFoundError | NotADirectoryError) else 126
