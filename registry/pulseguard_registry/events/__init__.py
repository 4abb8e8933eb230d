"""What happened to each agent, in the order in which it happened."""
