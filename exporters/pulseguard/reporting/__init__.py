"""What the registry is told: registration, heartbeats, snapshots, goodbye."""
