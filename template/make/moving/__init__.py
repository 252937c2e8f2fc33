"""How this project moves: rendered twice, and merged into the files of the team."""
