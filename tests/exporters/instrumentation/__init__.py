"""Client libraries measured by the exporter, really run against the simulated model server."""
