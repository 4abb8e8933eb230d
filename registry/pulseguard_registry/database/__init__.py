"""PostgreSQL: reaching it, keeping its schema current, saying what is wrong with it."""
