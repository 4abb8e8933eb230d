"""The anthropic client, measured."""
