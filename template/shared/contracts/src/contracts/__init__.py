"""What crosses a service boundary: request, response and event models."""
