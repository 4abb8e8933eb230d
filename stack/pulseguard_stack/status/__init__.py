"""`pulseguard status`: the fleet in a terminal, from the registry's API and Prometheus."""
