"""The public API: the rules of the business, and no database driver."""
