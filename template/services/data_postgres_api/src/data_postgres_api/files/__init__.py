"""The rows of files. Their content is in the object store."""
