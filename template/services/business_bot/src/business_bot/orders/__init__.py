"""Orders: to list them, to look at one, to cancel one."""
