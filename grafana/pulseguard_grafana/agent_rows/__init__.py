"""The rows of an agent's page; each module answers one of its questions."""
