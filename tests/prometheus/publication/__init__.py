"""Tests of how the users' rules get to a Prometheus."""
