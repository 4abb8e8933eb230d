"""The users' rules: from the registry to a Prometheus, and the proof that it has them."""
