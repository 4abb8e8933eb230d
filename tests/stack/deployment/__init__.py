"""Tests of the deployment's scripts."""
