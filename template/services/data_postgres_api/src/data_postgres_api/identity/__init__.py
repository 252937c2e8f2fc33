"""Users and OAuth clients as they are stored."""
