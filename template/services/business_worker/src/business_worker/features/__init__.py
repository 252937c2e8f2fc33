"""What levels add to the worker, and what you add; found by file.

A module here may have `prepare()`, which gets the process ready before anything else.
"""
