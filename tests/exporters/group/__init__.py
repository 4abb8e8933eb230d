"""Several processes of one agent, seen from outside."""
