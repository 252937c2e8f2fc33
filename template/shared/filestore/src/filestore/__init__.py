"""Where the bytes of files are, and the links by which clients reach them."""
