"""What a publisher says when there is no broker."""

import socket

import pytest
from pydantic import SecretStr

from chassis.errors import Unavailable
from messaging.publisher import publisher
from messaging.settings import RabbitSettings


async def test_a_broker_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    settings = RabbitSettings(host="127.0.0.1", port=port, password=SecretStr("never-shown"))
    said = f"RabbitMQ at 127.0.0.1:{port} cannot be reached"
    with pytest.raises(Unavailable, match=said) as caught:
        async with publisher(settings, "test"):
            raise AssertionError
    assert "never-shown" not in str(caught.value)
