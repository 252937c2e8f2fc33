"""Periodic background tasks, one module each; add your own next to them.

A module has `run(work)`, a coroutine, and `every(settings)`: the seconds between two runs.
"""
