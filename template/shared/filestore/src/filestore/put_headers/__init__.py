"""What uploads to a bucket carry, a module each.

A module has `put_headers()` for clients, and `store_config()` with what obstore calls the same.
"""
