"""What is looked at before a file is ready, a module each; add your own next to them.

A module has `check(candidate)`, a coroutine that raises `Refused` for content that no caller may
get, and perhaps a `PHASE`: a number, by which they follow each other.
"""
