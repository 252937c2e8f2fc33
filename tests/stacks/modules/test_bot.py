"""The Telegram bot: what people say reaches the orders, and events reach the people.

Telegram is a server of the Bot API that the project brings, in a container. From level 2 on a
conversation outlives the bot, and the bot says how it is.
"""

import json

from tests.stacks.modules.shop import ADA, EVE, Shop
from tests.support.http import call, eventually

NOTICE = "Order placed: 9.00 EUR, by customer-1"


def test_people_are_notified_of_an_order(bot: Shop) -> None:
    bot.place()
    eventually(lambda: bot.said()[-1:] == [NOTICE])
    assert "placed 20" in bot.press("Show it")


def test_an_order_is_listed_shown_and_cancelled(bot: Shop) -> None:
    order = bot.place()
    eventually(lambda: bot.said()[-1:] == [NOTICE])
    assert bot.say("/orders") == "The newest orders:"
    assert "2 x TEA-250 at 4.50" in bot.say(f"/order {order}")
    assert "Is it to be cancelled?" in bot.press("Cancel it")
    assert bot.status(order) == "placed"
    cancelled = f"Order {order} is cancelled."
    before = len(bot.said())
    bot.press("Yes, cancel it")
    # The answer, and the notice of the event that it caused, in either order.
    eventually(lambda: len(bot.said()) == before + 2)
    assert cancelled in bot.said()[before:]
    assert bot.status(order) == "cancelled"


def test_a_stranger_learns_nothing(bot: Shop) -> None:
    order = bot.place()
    assert "You may not use this bot. Your number is 666" in bot.say(f"/cancel {order}", EVE)
    assert bot.status(order) == "placed"


def test_people_are_told_that_the_business_service_is_away(bot: Shop) -> None:
    eventually(lambda: bot.said()[-1:] == [NOTICE])
    bot.stack.stop("business_api", timeout=0)
    assert bot.say("/orders") == "The business service cannot be reached."
    bot.stack.start("business_api")
    # Not by asking the bot again and again: it answers so many times a minute, and then is silent.
    eventually(lambda: call("GET", f"{bot.stack.business}/ready").status == 200)
    eventually(lambda: bot.say("/orders") == "The newest orders:")


def test_people_are_notified_although_broker_and_bot_were_killed(bot: Shop) -> None:
    assert bot.say("/orders") == "The newest orders:"
    before = len(bot.said())
    bot.stack.kill("business_bot", "rabbitmq")
    bot.place()
    bot.stack.start("rabbitmq", "business_bot")
    # The notice alone: an update that was answered before the kill is not answered again.
    eventually(lambda: len(bot.said()) > before, seconds=90)
    assert bot.say("/orders") == "The newest orders:"
    assert bot.said()[before:] == [NOTICE, "The newest orders:"]
    assert not [said for said in bot.said(EVE) if "9.00" in said]


def test_a_conversation_outlives_the_bot(bot: Shop) -> None:
    order = bot.place()
    eventually(lambda: bot.said()[-1:] == [NOTICE])
    assert "Which order?" in bot.say("/cancel")
    bot.stack.kill("business_bot")
    bot.stack.start("business_bot")
    assert "Is it to be cancelled?" in bot.say(order)
    bot.press("Yes, cancel it")
    eventually(lambda: bot.status(order) == "cancelled")
    # One id, from the press of a button to the write.
    pressed = [
        line for line in bot.stack.logs("business_bot") if line.get("action") == "button sure"
    ]
    assert pressed[-1]["who"] == ADA
    for service in ("business_api", "data_postgres_api"):
        assert str(pressed[-1]["request_id"]) in bot.stack.printed(service)


def test_a_bot_without_telegram_is_healthy_and_not_ready(bot: Shop) -> None:
    # It does not answer, and has not forgotten what was said.
    bot.stack.pause("telegram")

    def is_ready() -> bool:
        script = "test -e /tmp/ready && echo yes"
        return "yes" in bot.stack.execute("business_bot", "sh", "-c", script, check=False)

    eventually(lambda: not is_ready())
    known = bot.stack.health("business_bot")["Log"][-1]["Start"]
    eventually(lambda: bot.stack.health("business_bot")["Log"][-1]["Start"] != known)
    health = bot.stack.health("business_bot")
    assert (health["Status"], health["FailingStreak"]) == ("healthy", 0)
    bot.stack.unpause("telegram")
    assert bot.say("/orders") == "The newest orders:"
    eventually(is_ready)


def test_the_log_lines_are_json(bot: Shop) -> None:
    for service in ("business_bot", "business_worker", "outbox_relay"):
        for line in bot.stack.lines(service):
            assert {"event", "level", "logger", "service", "timestamp"} <= json.loads(line).keys()
