"""What each of the five demo agents does, one module each."""
