"""The process of the bot: `python -m business_bot`."""

from business_bot.features import NAME, prepare
from business_bot.main import serve
from chassis.process import run

if __name__ == "__main__":
    run(NAME, serve, prepare)
