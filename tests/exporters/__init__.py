"""The exporter, seen from the agent, from Prometheus and from the registry."""
