"""What levels and modules add to this service, a module each; add your own next to them."""
