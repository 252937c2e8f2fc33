"""Signs the calls of the bot."""

from business_bot.settings import NAME
from chassis.security.service_tokens import sign_calls_as


def prepare() -> None:
    """Let the bot call other services as itself."""
    sign_calls_as(NAME)
