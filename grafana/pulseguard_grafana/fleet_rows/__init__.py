"""The tables of the fleet's page: its agents, its alerts, what does not fit together."""
