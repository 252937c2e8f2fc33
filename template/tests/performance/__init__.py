"""What is promised about errors and times, held against the running system under load."""
