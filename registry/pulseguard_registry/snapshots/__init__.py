"""Snapshots: the eight AI fields of one agent over one interval."""
