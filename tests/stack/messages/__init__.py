"""The simulated server's messages endpoint."""
