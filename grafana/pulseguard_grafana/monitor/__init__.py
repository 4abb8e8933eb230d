"""The rows of the page about the monitor itself, by the part that they are about."""
