"""The fleet as a whole: in numbers, and on which hosts it runs."""
