"""What moves promise: copies and updates by Copier and by make."""
