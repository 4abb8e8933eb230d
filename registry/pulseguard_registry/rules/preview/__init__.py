"""What an alerting rule would do: now, and over hours that have been."""
