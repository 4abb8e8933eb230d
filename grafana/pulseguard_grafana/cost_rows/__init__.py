"""The parts of the page of cost: what it asks Prometheus, and its tables."""
