"""Files: who may upload, read, attach and delete them. Their bytes are elsewhere."""
