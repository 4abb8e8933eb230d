"""What is wrong with rules, found before Prometheus sees them."""
