"""What an agent's author records by hand: blocks around code, events, metrics of his own."""
