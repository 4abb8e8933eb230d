"""What can go wrong with the stack on one machine.

StackError
├── ProgramMissing    a program is neither on PATH nor to be had from the system's packages
├── PackageMissing    a package of the system cannot be had
├── GrafanaMissing    no Grafana can be run; the stack does without it
├── ImageMissing      an image of a container cannot be had
├── CannotStart       the stack cannot run; the message says why, the mend and where the log is
├── CannotStop        the stack cannot be stopped; the message says why
├── RegistryRefused   the registry did not give what the stack needs of it
├── CheckoutUnusable  the containers cannot read the checkout; says which file and the mend
├── SecretsUnusable   a file of the deployment's secrets cannot be used; says why and the mend
└── SettingUnusable   a setting of the deployment does not hold; says its name, value and mend

The simulated model server has a tree of its own.
"""


class StackError(Exception):
    """Everything this package raises on purpose; the message is for the user."""


class ProgramMissing(StackError):
    """A program is neither on PATH nor to be had from the system's packages; says the mend."""


class PackageMissing(StackError):
    """A package of the system cannot be had; says why."""


class GrafanaMissing(StackError):
    """No Grafana can be run; says why in a few words, and in `detail` what was said of it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail


class ImageMissing(StackError):
    """An image of a container cannot be had; says why."""


class CannotStart(StackError):
    """The stack cannot run; one line that says why and what to do."""


class CannotStop(StackError):
    """The stack cannot be stopped; one line that says why."""


class RegistryRefused(StackError):
    """The registry did not give what the stack needs of it."""


class CheckoutUnusable(StackError):
    """Files that the containers mount are not for them to read; a line for each, with the mend."""


class SecretsUnusable(StackError):
    """Files of the deployment's secrets cannot be used; a line for each, with why and the mend."""


class SettingUnusable(StackError):
    """Settings of the deployment do not hold; a line for each, with its name, value and mend."""
