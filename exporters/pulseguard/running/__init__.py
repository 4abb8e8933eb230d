"""`pulseguard run`: a program observed from outside, and from within where it is Python."""
