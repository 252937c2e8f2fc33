"""The route for images in smaller sizes."""
