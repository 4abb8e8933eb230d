"""GenAI spans as metrics: made by hand, and of libraries run against the simulated model server."""
