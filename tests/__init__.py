"""The tests of PulseGuard, in folders that mirror the components."""
