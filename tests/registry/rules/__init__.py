"""Alert rules as data: what is checked, and what templates make of them."""
