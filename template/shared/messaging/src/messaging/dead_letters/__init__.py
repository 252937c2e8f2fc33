"""What readers have dead-lettered: looked at, and put back."""
