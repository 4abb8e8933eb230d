"""What happened in the agent, measured and kept as numbers."""
