"""The process of the bot: `python -m business_bot`."""

from business_bot.main import serve
from business_bot.settings import NAME
from chassis.modules import find_hooks
from chassis.process import run

if __name__ == "__main__":
    run(NAME, serve, *find_hooks(NAME, "features", "prepare"))
