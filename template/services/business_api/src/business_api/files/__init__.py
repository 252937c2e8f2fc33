"""Files: permissions, metadata and links. The content is in the object store."""
