"""Receivers of file events, one module each with `observe(event)`."""
