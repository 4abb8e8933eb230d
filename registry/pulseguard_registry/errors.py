"""What can go wrong in the registry.

RegistryError                 everything this package raises on purpose
├── ConfigurationError        a setting does not hold; stops the start
├── KeyFileUnusable           a file of a given key holds none; says why and what to do
├── DatabaseUnavailable       the database cannot be used now; says why and what to do
│   └── SchemaTooNew          the database was migrated by a newer registry
├── AlertmanagerUnavailable       Alertmanager does not answer, or refuses (alertmanager/client.py)
├── WriteRefused              PostgreSQL refuses a value of one write
├── TemplateFault             the text of an alert is no template, or one that never works
├── NamesUnknown              a Prometheus does not tell which names it has
└── Problem (problems.py)     an answer to a request, as an RFC 9457 document
"""


class RegistryError(Exception):
    """Base of every error that the registry raises on purpose."""


class ConfigurationError(RegistryError):
    """A setting that does not hold; the message names it, its value and the mend."""


class KeyFileUnusable(RegistryError):
    """A file that is to give a key holds none that can be used; the message does not name it."""


class DatabaseUnavailable(RegistryError):
    """The database cannot be used now; the message names host, port, database, cause and mend."""


class SchemaTooNew(DatabaseUnavailable):
    """The database holds a schema revision that this version of the registry does not know."""


class WriteRefused(RegistryError):
    """PostgreSQL refuses a value of this write, and would refuse it again."""


class TemplateFault(RegistryError):
    """A template that Prometheus would not take, or that can never work; the text says why."""


class NamesUnknown(RegistryError):
    """The names of a Prometheus cannot be had now; the message says why, and what to do."""
