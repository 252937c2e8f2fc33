"""What changes how links are made, a module each with `change_links(links)`."""
