"""What the registry asks of Alertmanager: silences, receivers, test alerts."""
