"""Tests of the registry, all on a real PostgreSQL."""
