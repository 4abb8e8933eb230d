"""/metrics: the numbers as Prometheus asks for them."""
