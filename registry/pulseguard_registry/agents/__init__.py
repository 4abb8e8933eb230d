"""The inventory: which agents there are, and how they are."""
