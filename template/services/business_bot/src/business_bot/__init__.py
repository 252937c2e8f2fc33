"""Lets the people that you name use the system from Telegram."""
