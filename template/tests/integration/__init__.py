"""Tests with real servers: PostgreSQL, and RabbitMQ where a test needs it."""
