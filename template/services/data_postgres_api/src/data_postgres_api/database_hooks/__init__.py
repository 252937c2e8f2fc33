"""What levels add to the engine and its sessions, and what you add; found by file.

A module here has one of these. They are called by their `PHASE`, which is 0 without one, and then
by their names; those that replace the engine have negative phases.

- `change_engine(engine, settings)`: returns the engine to use, say with a listener of your own
- `choose_session(request)`, from level 4 on: returns a session of another engine, or None
"""
