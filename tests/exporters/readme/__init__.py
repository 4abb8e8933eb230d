"""What the exporter's README shows, run as it stands there."""
