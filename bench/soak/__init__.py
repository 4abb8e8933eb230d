"""A deployment under the load of 500 simulated agents for hours, and a judgement of what grows."""
