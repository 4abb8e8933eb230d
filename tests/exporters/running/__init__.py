"""`pulseguard run`, with real programs."""
