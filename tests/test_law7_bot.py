"""Law 7 for the Telegram bot: what people say reaches the orders, and what happens reaches people.

One project lives through the file: level 1 with an edit of the team, to which the bot is added,
then RabbitMQ, then a level, and from which the bot is taken away again. Telegram is a server of the
Bot API that the project brings, in a container.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import pytest

from extensions.stages import Combination
from tests.support.docker import Stack, require_docker, stack
from tests.support.http import call, eventually
from tests.support.project import start

ADA, EVE = 1001, 666
LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
OURS = """

@app.get("/hello/{name}")
async def hello(name: str) -> str:
    return name
"""
TELEGRAM = f"""\
services:
  telegram:
    build:
      context: .
      dockerfile: services/business_bot/Dockerfile
    command: [python, -m, business_bot.testing, "0.0.0.0"]
    ports: ["127.0.0.1::8081"]
  business_bot:
    environment:
      BOT_TOKEN: "42:of-tests"
      BOT_USERS: "[{ADA}]"
      BOT_API_URL: http://telegram:8081
"""


@dataclass(frozen=True)
class Chat:
    """The running system, and what people say to its bot."""

    stack: Stack

    def _ask(self, user: int, action: str, text: str | None = None) -> Any:
        published = self.stack.compose("port", "telegram", "8081").strip()
        url = f"http://{published}/people/{user}/{action}"
        data = None if text is None else text.encode()
        with urlopen(Request(url, data), timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def said(self, user: int = ADA) -> list[str]:
        return [each["text"] for each in self._ask(user, "said")]

    def say(self, text: str, user: int = ADA) -> str:
        """Say something, and return the answer."""
        return self._answered(user, "say", text)

    def press(self, button: str) -> str:
        """Press a button of the newest message that has it, and return the answer."""
        return self._answered(ADA, "press", button)

    def _answered(self, user: int, action: str, text: str) -> str:
        before = len(self.said(user))
        self._ask(user, action, text)
        try:
            eventually(lambda: len(self.said(user)) > before, seconds=120)
        except AssertionError as silent:
            silent.add_note(self.logs("business_bot")[-4000:])
            raise
        return self.said(user)[-1]

    def place(self) -> str:
        placed = call("POST", f"{self.stack.business}/api/v1/orders", {"lines": [LINE]})
        assert placed.status == 201, placed
        return str(placed.json["id"])

    def status(self, order: str) -> str:
        return str(call("GET", f"{self.stack.business}/api/v1/orders/{order}").json["status"])

    def logs(self, service: str) -> str:
        return "\n".join(self.stack.lines(service))


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    require_docker()
    project = start(tmp_path_factory.mktemp("bot") / "shop", Combination(1))
    project.append("services/business_api/src/business_api/main.py", OURS)
    project.lock()
    project.commit("A route of ours, and the lock")
    moved = project.make("upgrade", "MODULE=telegram_bot")
    assert "Moved, without a conflict" in moved.stderr
    project.commit("A bot")
    with stack(project) as running:
        running.up()
        found = Chat(running)
        # Without a token there is none, and everything else works.
        eventually(lambda: "get a token from @BotFather" in found.logs("business_bot"))
        assert call("GET", f"{running.business}/hello/ada").json == "ada"
        project.write("docker-compose.override.yml", TELEGRAM)
        project.commit("A Telegram of ours")
        running.up()
        yield found


def test_an_order_is_listed_shown_and_cancelled(chat: Chat) -> None:
    order = chat.place()
    assert chat.say("/orders") == "The newest orders:"
    assert "2 x TEA-250 at 4.50" in chat.say(f"/order {order}")
    assert "Is it to be cancelled?" in chat.press("Cancel it")
    assert chat.status(order) == "placed"
    assert chat.press("Yes, cancel it") == f"Order {order} is cancelled."
    assert chat.status(order) == "cancelled"


def test_others_learn_nothing(chat: Chat) -> None:
    order = chat.place()
    assert "You may not use this bot. Your number is 666" in chat.say(f"/cancel {order}", EVE)
    assert chat.status(order) == "placed"


def test_a_business_service_that_is_away_is_said(chat: Chat) -> None:
    chat.stack.compose("stop", "--timeout", "0", "business_api")
    assert chat.say("/orders") == "The business service cannot be reached."
    chat.stack.compose("start", "business_api")
    eventually(lambda: chat.say("/orders") == "The newest orders:", seconds=60)


def test_with_rabbitmq_people_are_told_even_if_it_was_away(chat: Chat) -> None:
    project = chat.stack.project
    project.make("upgrade", "MODULE=rabbitmq")
    project.commit("Events")
    chat.stack.up()
    eventually(lambda: "reading events" in chat.logs("business_bot"), seconds=60)
    chat.place()
    eventually(lambda: chat.said()[-1:] == ["Order placed: 9.00 EUR, by customer-1"], seconds=30)
    assert "placed 20" in chat.press("Show it")
    before = len(chat.said())
    chat.stack.compose("kill", "business_bot", "rabbitmq")
    chat.place()
    chat.stack.compose("start", "rabbitmq", "business_bot")
    eventually(lambda: len(chat.said()) > before, seconds=90)
    assert chat.said()[-1] == "Order placed: 9.00 EUR, by customer-1"
    assert not [said for said in chat.said(EVE) if "9.00" in said]


def test_from_level_2_on_a_conversation_outlives_the_bot(chat: Chat) -> None:
    project = chat.stack.project
    project.make("upgrade", "LEVEL=2")
    project.commit("Level 2")
    chat.stack.up()
    order = chat.place()
    eventually(lambda: chat.said()[-1:] == ["Order placed: 9.00 EUR, by customer-1"], seconds=30)
    assert "Which order?" in chat.say("/cancel")
    chat.stack.compose("kill", "business_bot")
    chat.stack.compose("start", "business_bot")
    assert "Is it to be cancelled?" in chat.say(order)
    chat.press("Yes, cancel it")
    assert chat.status(order) == "cancelled"
    # One id, from the press of a button to the write.
    lines = [json.loads(line) for line in chat.stack.lines("business_bot") if line[:1] == "{"]
    pressed = [line for line in lines if line.get("action") == "button sure"]
    assert pressed[-1]["who"] == ADA
    for service in ("business_api", "data_postgres_api"):
        assert pressed[-1]["request_id"] in chat.logs(service)


def test_a_telegram_that_is_away_does_not_make_the_bot_ill(chat: Chat) -> None:
    # It does not answer, and has not forgotten what was said.
    chat.stack.compose("pause", "telegram")
    container = chat.stack.compose("ps", "--quiet", "business_bot").strip()

    def health() -> dict[str, Any]:
        inspect = ["docker", "inspect", "--format", "{{json .State.Health}}", container]
        found: dict[str, Any] = json.loads(subprocess.check_output(inspect))
        return found

    def is_ready() -> bool:
        exec_in = ("exec", "-T", "business_bot", "sh", "-c", "test -e /tmp/ready && echo yes")
        return "yes" in chat.stack.compose(*exec_in, check=False)

    eventually(lambda: not is_ready())
    known = health()["Log"][-1]["Start"]
    eventually(lambda: health()["Log"][-1]["Start"] != known)
    assert (health()["Status"], health()["FailingStreak"]) == ("healthy", 0)
    chat.stack.compose("unpause", "telegram")
    assert chat.say("/orders") == "The newest orders:"
    eventually(is_ready)


def test_without_the_bot_the_orders_stay(chat: Chat) -> None:
    project = chat.stack.project
    orders = chat.stack.sql("SELECT id FROM orders ORDER BY id")
    (project.path / "docker-compose.override.yml").unlink()
    project.commit("No Telegram of ours")
    done = project.make("downgrade", "MODULE=telegram_bot", environment=chat.stack.environment)
    assert "These queues of business_bot go" in done.stderr
    assert not (project.path / "services/business_bot").exists()
    assert not (project.path / "infrastructure/redis").exists()
    project.commit("Without the bot")
    chat.stack.up()
    assert chat.stack.sql("SELECT id FROM orders ORDER BY id") == orders
    listed = chat.stack.compose(
        "exec",
        "-T",
        "--user",
        "rabbitmq",
        "rabbitmq",
        "rabbitmqctl",
        "--quiet",
        "list_queues",
        "name",
    )
    assert "business_bot" not in listed
    assert chat.place()
    running = set(chat.stack.compose("ps", "--services", "--status", "running").split())
    assert running == {"business_api", "data_postgres_api", "outbox_relay", "postgres", "rabbitmq"}
