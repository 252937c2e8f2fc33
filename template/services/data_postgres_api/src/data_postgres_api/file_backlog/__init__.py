"""How many files wait to be verified."""
