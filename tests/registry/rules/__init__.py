"""Alert rules as data: the routes, what they write, and what Prometheus is to have."""
