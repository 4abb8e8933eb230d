"""What `make soak` sees and says of it, without Docker."""
