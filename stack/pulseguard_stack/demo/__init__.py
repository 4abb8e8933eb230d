"""Five demo agents: a simulated fleet that really works, fails and is measured."""
