"""The public API: the rules of the shop, and no database driver."""
