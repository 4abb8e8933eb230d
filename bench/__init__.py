"""Measures PulseGuard against floors and peers, in turn within one run: `make bench`."""
