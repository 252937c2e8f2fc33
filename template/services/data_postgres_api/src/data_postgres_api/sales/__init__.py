"""What was sold, by article: kept by the worker, from the events of orders."""
