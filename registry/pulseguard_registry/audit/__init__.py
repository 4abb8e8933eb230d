"""Who changed what: one record for each change, in the same transaction."""
