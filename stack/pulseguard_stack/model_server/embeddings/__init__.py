"""OpenAI's POST /v1/embeddings."""
