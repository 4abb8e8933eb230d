"""Tests of `pulseguard status`."""
