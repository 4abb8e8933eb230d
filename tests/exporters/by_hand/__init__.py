"""What an agent's author records by hand."""
