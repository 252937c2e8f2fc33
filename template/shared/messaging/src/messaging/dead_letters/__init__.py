"""What readers have set aside: looked at, and put back."""
