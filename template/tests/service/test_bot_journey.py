"""From what somebody says in Telegram to an order: through gateway, bot, and both services."""

import os
import ssl
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

ADA = 1001
LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
HOST = {"sni_hostname": os.environ["GATEWAY_HOST"]}
SECONDS = 30
NOTICES = ("Order placed: ", "Order paid: ", "Order cancelled: ")


@pytest.fixture
def gateway() -> Iterator[httpx2.Client]:
    caller, proof = os.environ["CALLER"].split(": ", 1)
    with httpx2.Client(
        base_url=os.environ["GATEWAY_URL"],
        verify=ssl.create_default_context(cafile="certs/fullchain.pem"),
        headers={"Host": os.environ["GATEWAY_HOST"], caller: proof},
        timeout=10,
    ) as client:
        yield client


class Chat:
    """What somebody says, and what the bot answers."""

    def __init__(self, telegram: httpx2.Client) -> None:
        self._people = f"/people/{ADA}"
        self._telegram = telegram

    def said(self) -> list[str]:
        answer: list[dict[str, Any]] = self._telegram.get(f"{self._people}/said").json()
        return [each["text"] for each in answer]

    def do(self, action: str, text: str) -> str:
        """Say or press something, and return the answer to it."""
        before = len(self.said())
        self._telegram.post(f"{self._people}/{action}", content=text.encode()).raise_for_status()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            # People are told of other orders meanwhile.
            for answer in self.said()[before:]:
                if not answer.startswith(NOTICES):
                    return answer
            time.sleep(0.2)
        raise AssertionError(f"no answer to {text}")


@pytest.fixture
def chat() -> Iterator[Chat]:
    with httpx2.Client(base_url=os.environ["TELEGRAM_URL"], timeout=40) as telegram:
        yield Chat(telegram)


def test_an_order_is_cancelled_by_the_bot(gateway: httpx2.Client, chat: Chat) -> None:
    placed = gateway.post("/api/v1/orders", json={"lines": [LINE]}, extensions=HOST).json()
    assert "Is it to be cancelled?" in chat.do("say", f"/cancel {placed['id']}")
    assert chat.do("press", "Yes, cancel it") == f"Order {placed['id']} is cancelled."
    found = gateway.get(f"/api/v1/orders/{placed['id']}", extensions=HOST).json()
    assert found["status"] == "cancelled"


def test_nobody_but_telegram_is_heard(gateway: httpx2.Client) -> None:
    for secret in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}):
        answer = gateway.post("/telegram/webhook", json={}, headers=secret, extensions=HOST)
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
    answer = gateway.get("/telegram/webhook", extensions=HOST)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert answer.headers["content-type"] == "application/problem+json"
