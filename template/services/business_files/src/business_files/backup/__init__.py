"""Copies of all content in a second store, and the way back."""
