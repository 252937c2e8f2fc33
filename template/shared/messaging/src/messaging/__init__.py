"""How services reach RabbitMQ, and what all who use it agree on."""
