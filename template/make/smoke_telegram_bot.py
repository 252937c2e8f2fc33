"""Let somebody cancel an order by the bot, in front of a server that speaks as Telegram does."""

import subprocess
import sys

from smoke import HEADERS, send

# Runs in a container of the bot, beside the one that is there: that one may serve real people.
INSIDE = """
import asyncio, sys
from business_bot.testing import FakeTelegram

async def main(order):
    async with FakeTelegram(8081) as telegram:
        bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "business_bot")
        try:
            await telegram.say(1001, f"/cancel {order}")
            await telegram.answer(1001, 1, 60)
            await telegram.press(1001, "Yes, cancel it")
            print(await telegram.answer(1001, 2, 30))
        finally:
            bot.terminate()
            await bot.wait()

asyncio.run(main(sys.argv[1]))
"""
LINES = [{"sku": "TEA", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}]
SETTINGS = {
    "BOT_TOKEN": "42:of-tests",
    "BOT_USERS": "[1001]",
    "BOT_API_URL": "http://127.0.0.1:8081",
    "BOT_WEBHOOK_URL": "",
    # The events are for the other one.
    "RABBITMQ_HOST": "nowhere.invalid",
    "LOG_LEVEL": "ERROR",
}


def main() -> None:
    """Stop with a sentence when the order is not cancelled."""
    said = subprocess.check_output(["make", "--silent", "auth-header"], text=True)
    HEADERS.update(dict([said.strip().split(": ", 1)]))
    published = subprocess.check_output(
        ["docker", "compose", "port", "business_api", "8000"], text=True
    )
    service = f"http://{published.strip()}"
    order = send(service, "POST", "/api/v1/orders", {"lines": LINES})
    given = [part for name, value in SETTINGS.items() for part in ("-e", f"{name}={value}")]
    command = ["docker", "compose", "run", "--rm", "--no-deps", "-T", *given, "business_bot"]
    done = subprocess.run(
        [*command, "python", "-c", INSIDE, order["id"]], capture_output=True, text=True, timeout=180
    )
    if done.returncode:
        sys.exit(f"The bot did not answer:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    if done.stdout.strip().splitlines()[-1:] != [f"Order {order['id']} is cancelled."]:
        sys.exit(f"The bot did not cancel the order, but said:\n{done.stdout[-1000:]}")
    status = send(service, "GET", f"/api/v1/orders/{order['id']}")["status"]
    if status != "cancelled":
        sys.exit(f"The order is {status}, and not cancelled.")


if __name__ == "__main__":
    main()
