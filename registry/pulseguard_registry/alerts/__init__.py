"""What Prometheus' alerts did: their history, as Alertmanager tells it."""
