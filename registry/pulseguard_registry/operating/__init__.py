"""What operators do from a terminal: agents, keys, the schema, backup and restore."""
