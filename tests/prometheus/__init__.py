"""What runs beside Prometheus, with a real Prometheus and a real promtool."""
