"""Events leave by the outbox: written with what they tell of, published by the relay."""
