"""The openai client, both majors, in every way and with every fate of a call."""
