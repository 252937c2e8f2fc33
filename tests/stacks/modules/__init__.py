"""What modules do, on one project that gets and loses them while it runs."""
