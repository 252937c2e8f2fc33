"""The files service: receives, verifies and serves file content."""
