"""Alert rules as data: what is checked, stored, rendered, and proven to be loaded."""
