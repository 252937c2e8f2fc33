"""What Stagecraft promises, grouped by what it costs to prove: rendering, moves, containers."""
