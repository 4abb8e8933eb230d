"""The hot path: heartbeats and snapshots, acknowledged after a durable commit."""
