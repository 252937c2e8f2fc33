"""Attacks on the system, by the number of the OWASP API Security Top 10 (2023)."""
