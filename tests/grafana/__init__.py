"""Tests of what PulseGuard ships for Grafana."""
