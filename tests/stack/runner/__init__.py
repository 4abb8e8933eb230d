"""Tests of the runner: `pulseguard up` and `pulseguard down`."""
