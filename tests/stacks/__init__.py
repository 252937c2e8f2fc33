"""What is promised of running systems, on real containers."""
