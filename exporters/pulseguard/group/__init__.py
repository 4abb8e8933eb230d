"""Several processes of one agent: one /metrics, one registration, true sums."""
