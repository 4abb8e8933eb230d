"""Alerts that reach somebody: Alertmanager's configuration, rendered from settings and checked."""
