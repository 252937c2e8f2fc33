"""The files service: takes, verifies and serves the bytes of files."""
