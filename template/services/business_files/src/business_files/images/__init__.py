"""Resized images, created in a separate process."""
