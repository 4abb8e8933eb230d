"""`pulseguard doctor`: walks the chain from an agent's settings to Prometheus, link by link."""
