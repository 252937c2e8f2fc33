"""The Telegram bot from level 2 on: conversations outlive it, and it says how it is."""

import json

from tests.stacks.modules.shop import ADA, Shop
from tests.support.http import eventually

NOTICE = "Order placed: 9.00 EUR, by customer-1"


def test_a_conversation_outlives_the_bot(bot_at_level_2: Shop) -> None:
    shop = bot_at_level_2
    order = shop.place()
    eventually(lambda: shop.said()[-1:] == [NOTICE])
    assert "Which order?" in shop.say("/cancel")
    shop.stack.kill("business_bot")
    shop.stack.start("business_bot")
    assert "Is it to be cancelled?" in shop.say(order)
    shop.press("Yes, cancel it")
    eventually(lambda: shop.status(order) == "cancelled")
    # One id, from the press of a button to the write.
    pressed = [
        line for line in shop.stack.logs("business_bot") if line.get("action") == "button sure"
    ]
    assert pressed[-1]["who"] == ADA
    for service in ("business_api", "data_postgres_api"):
        assert str(pressed[-1]["request_id"]) in shop.stack.printed(service)


def test_a_bot_without_telegram_is_healthy_and_not_ready(bot_at_level_2: Shop) -> None:
    shop = bot_at_level_2
    # It does not answer, and has not forgotten what was said.
    shop.stack.pause("telegram")

    def is_ready() -> bool:
        script = "test -e /tmp/ready && echo yes"
        return "yes" in shop.stack.execute("business_bot", "sh", "-c", script, check=False)

    eventually(lambda: not is_ready())
    known = shop.stack.health("business_bot")["Log"][-1]["Start"]
    eventually(lambda: shop.stack.health("business_bot")["Log"][-1]["Start"] != known)
    health = shop.stack.health("business_bot")
    assert (health["Status"], health["FailingStreak"]) == ("healthy", 0)
    shop.stack.unpause("telegram")
    assert shop.say("/orders") == "The newest orders:"
    eventually(is_ready)


def test_the_log_lines_are_json(bot_at_level_2: Shop) -> None:
    for service in ("business_bot", "business_worker", "outbox_relay"):
        for line in bot_at_level_2.stack.lines(service):
            assert {"event", "level", "logger", "service", "timestamp"} <= json.loads(line).keys()
