"""The demo agents."""
