"""Expected cases and why each of them must have a result."""
