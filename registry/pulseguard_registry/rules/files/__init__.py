"""Prometheus' rule files, read as groups and written from them."""
