"""`make up` and `make down`: the whole stack on one machine."""
