"""What can go wrong beside Prometheus.

PrometheusSideError
├── BadSetting                a flag or variable has a value that cannot be meant; stops the start
├── TargetsFileInUse          another sync keeps this targets file; stops the start
├── ConfigurationMismatch     prometheus.yml has not the place that is to be changed
└── Trouble                   this round brought nothing: what was there stays
    ├── RegistryTrouble       the registry was not reached, or its answer is not to be used
    ├── KeyTrouble            the key file cannot be read, or holds no key
    ├── ScrapesTrouble        Prometheus, or the registry that is told of it, does not do its part
    ├── NotificationTrouble   receivers cannot be used, or Alertmanager does not take them
    └── TargetsFileTrouble    the targets file cannot be read or written
"""


class PrometheusSideError(Exception):
    """Everything this package raises on purpose."""


class BadSetting(PrometheusSideError):
    """A flag or variable has a value that cannot be meant; the message is for the user."""


class TargetsFileInUse(PrometheusSideError):
    """Another sync keeps this targets file; the message is for the user."""


class ConfigurationMismatch(PrometheusSideError):
    """The text given as prometheus.yml has not the place that is to be changed."""


class Trouble(PrometheusSideError):
    """This round brought nothing; says the cause, and what to do about it."""

    def __init__(self, cause: str, mend: str) -> None:
        super().__init__(f"{cause}; {mend}")
        self.cause = cause
        self.mend = mend


class RegistryTrouble(Trouble):
    """The registry was not reached, or what it answered is not to be used."""


class KeyTrouble(Trouble):
    """The key file cannot be read, or what it holds is no key."""


class TargetsFileTrouble(Trouble):
    """The targets file cannot be read or written."""


class ScrapesTrouble(Trouble):
    """Prometheus was not asked what it scrapes, or the registry was not told."""


class NotificationTrouble(Trouble):
    """Receivers cannot be used as they are set, or Alertmanager does not take them."""
