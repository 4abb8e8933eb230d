"""What can go wrong with the stack on one machine.

StackError
├── ProgramMissing    a program is neither on PATH nor to be had from the system's packages
├── CannotStart       the stack cannot run; the message says why, the mend and where the log is
├── CannotStop        the stack cannot be stopped; the message says why
└── RegistryRefused   the registry did not give what the stack needs of it

The simulated model server has a tree of its own.
"""


class StackError(Exception):
    """Everything this package raises on purpose; the message is for the user."""


class ProgramMissing(StackError):
    """A program is neither on PATH nor to be had from the system's packages; says the mend."""


class CannotStart(StackError):
    """The stack cannot run; one line that says why and what to do."""


class CannotStop(StackError):
    """The stack cannot be stopped; one line that says why."""


class RegistryRefused(StackError):
    """The registry did not give what the stack needs of it."""
