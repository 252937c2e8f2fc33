"""Orders: placing, paying, shipping and cancelling them."""
