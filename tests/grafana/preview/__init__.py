"""Tests of what previews of dashboards say, against a real Prometheus."""
