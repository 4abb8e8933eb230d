"""Whether Prometheus scrapes an agent, as sync tells it."""
