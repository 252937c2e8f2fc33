"""Images in smaller sizes."""
