"""What each process that serves no HTTP begins with; found by file."""
