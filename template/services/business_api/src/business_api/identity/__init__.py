"""Logging in: users, clients, sessions and tokens. With an issuer elsewhere, only its tokens."""
