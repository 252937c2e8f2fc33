"""Orders as they are stored."""
