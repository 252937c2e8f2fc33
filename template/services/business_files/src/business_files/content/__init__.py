"""The content of files: how it comes in, and how it goes out."""
