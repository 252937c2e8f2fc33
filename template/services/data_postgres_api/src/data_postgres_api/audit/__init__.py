"""The audit log: who did what, kept so that tampering shows."""
