"""What the README says to type, typed; and what it promises of it, seen."""
