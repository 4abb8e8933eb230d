"""The list of targets that Prometheus scrapes."""
