"""What is done again and again in the background, a module each; add your own next to them.

A module has `run(work)`, a coroutine, and `every(settings)`: the seconds between two runs.
"""
