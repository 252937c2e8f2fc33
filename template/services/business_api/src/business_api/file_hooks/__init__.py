"""What hears of files that are announced or read, a module each; add your own next to them.

A module has `announced(client, file)`, which may raise an error and so refuse the file, or
`link_issued(client, file)`, which hears of a link before the caller has it.
"""
