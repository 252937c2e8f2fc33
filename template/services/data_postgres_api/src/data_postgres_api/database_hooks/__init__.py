"""What levels add to the engine and its sessions, and what you add; found by file.

A module here has one of these, and a `PHASE`, by which they are sorted:

- `change_engine(engine, settings)`: returns the engine to use, with a listener, or another one
- `choose_session(request)`: returns a session of another engine for a request, or None
"""
