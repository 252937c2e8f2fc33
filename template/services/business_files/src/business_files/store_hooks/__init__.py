"""What is put around the object store, a module each with `wrap_objects(objects)`.

A module with a higher `PHASE` is further out.
"""
