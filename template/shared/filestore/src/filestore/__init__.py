"""Settings of the object store, and links to file content."""
