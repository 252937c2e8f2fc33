"""Images in smaller sizes, made in a process of its own."""
