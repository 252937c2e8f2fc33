"""Hooks for announced files and issued links, one module each; add your own next to them.

`announced(client, file)` can raise an error to refuse the file. `link_issued(client, file)` is
called before the caller receives the link.
"""
