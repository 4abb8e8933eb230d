"""What can go wrong in a demo agent.

DemoError
├── BadSetting    a setting that the agent cannot start with
└── ToolFailed    a tool could not do its work; the model is told
"""


class DemoError(Exception):
    """Everything that this package raises on purpose."""


class BadSetting(DemoError):
    """A setting that the agent cannot start with; the message names it and its value."""


class ToolFailed(DemoError):
    """A tool could not do its work."""
