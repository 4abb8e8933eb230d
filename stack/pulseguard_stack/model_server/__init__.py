"""A simulated model server: the wire of a model provider, with no model behind it."""
