"""What runs beside Prometheus."""
