"""Alert rules as data: what Prometheus reads as files, kept, checked, and proven to be loaded."""
