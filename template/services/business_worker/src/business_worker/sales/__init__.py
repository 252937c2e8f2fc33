"""Sales, as the worker keeps them."""
