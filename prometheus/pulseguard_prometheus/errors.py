"""What can go wrong beside Prometheus.

PrometheusSideError
├── BadSetting                a flag or variable has a value that cannot be meant; stops the start
├── InUse                     what this sync is to keep, another one keeps; stops the start
│   ├── TargetsFileInUse      a targets file
│   └── RulesFolderInUse      a folder of rules
├── ConfigurationMismatch     prometheus.yml has not the place that is to be changed
├── RuleFileFault             a file of rules is none that Prometheus should be given
└── Trouble                   this round brought nothing: what was there stays
    ├── RegistryTrouble       the registry was not reached, or its answer is not to be used
    ├── KeyTrouble            the key file cannot be read, or holds no key
    ├── ScrapesTrouble        Prometheus, or the registry that is told of it, does not do its part
    ├── TargetsFileTrouble    the targets file cannot be read or written
    ├── RulesFolderTrouble    the folder of rules cannot be read or written
    ├── PromtoolTrouble       promtool cannot be run, so no file of rules can be checked
    ├── PrometheusTrouble     Prometheus cannot be asked what rules it has, or to reload them
    ├── AliveFileTrouble      the alive file cannot be written
    └── NotificationTrouble   receivers cannot be used, or Alertmanager does not take them
"""


class PrometheusSideError(Exception):
    """Everything this package raises on purpose."""


class BadSetting(PrometheusSideError):
    """A flag or variable has a value that cannot be meant; the message is for the user."""


class InUse(PrometheusSideError):
    """Another sync keeps what this one is to keep; the message is for the user."""


class TargetsFileInUse(InUse):
    """Another sync keeps this targets file."""


class RulesFolderInUse(InUse):
    """Another sync keeps this folder of rules."""


class ConfigurationMismatch(PrometheusSideError):
    """The text given as prometheus.yml has not the place that is to be changed."""


class RuleFileFault(PrometheusSideError):
    """A file of rules is none that Prometheus should be given; the message says why."""


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


class RulesFolderTrouble(Trouble):
    """The folder of rules cannot be read or written."""


class PromtoolTrouble(Trouble):
    """promtool cannot be run, or ends as it never should."""


class PrometheusTrouble(Trouble):
    """Prometheus does not answer, or answers something else than was asked for."""


class AliveFileTrouble(Trouble):
    """The alive file cannot be written, so its time is not set."""


class NotificationTrouble(Trouble):
    """Receivers cannot be used as they are set, or Alertmanager does not take them."""
