"""Files as they are stored: what is known of them. Their bytes are in the object store."""
