"""What is measured, or must lose nothing, under load: one test after the other."""
