"""Rules for what people want to know of agents, made from thresholds and a scope."""
