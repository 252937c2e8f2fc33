"""The checks that a file passes before it is ready, one module each; add your own next to them.

A module has a coroutine `check(candidate)`, which raises `Refused` to reject the content. Modules
run in the order of their optional number `PHASE`, then by name.
"""
