"""Lets those who run the shop look after orders from Telegram."""
