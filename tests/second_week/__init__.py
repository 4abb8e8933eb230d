"""A stack over a month, its clocks moved: what it keeps, and whom it wakes for nothing."""
