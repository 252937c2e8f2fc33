"""One project lives through these tests.

It starts at level 1 with an order and a route of the team, gets workers (and with them RabbitMQ),
moves to level 2 and gets the bot, and loses its modules again.
"""

from collections.abc import Iterator

import pytest

from extensions.stages import Combination
from tests.stacks.modules.shop import LINE, OURS, TELEGRAM, Shop
from tests.support.docker import require_docker, stack
from tests.support.http import call, eventually
from tests.support.project import start

ORDER = (
    "test_events.py",
    "test_workers.py",
    "test_bot.py",
    "test_removing_modules.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files in the order of the project's life."""
    items.sort(key=lambda item: ORDER.index(item.path.name) if item.path.name in ORDER else -1)


# What the tests stop and kill.
STOPPED = (
    "rabbitmq",
    "data_postgres_api",
    "business_api",
    "outbox_relay",
    "business_worker",
    "business_bot",
)


@pytest.fixture(autouse=True)
def started(shop: Shop) -> Iterator[None]:
    """Start again what a test stopped, so that one failure does not cause the next ones."""
    yield
    shop.stack.start(*STOPPED)


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The project with workers, which it got over the volume of level 1."""
    require_docker()
    project = start(tmp_path_factory.mktemp("modules") / "shop", Combination(1))
    project.append("services/business_api/src/business_api/main.py", OURS)
    project.lock()
    project.commit("A route of ours, and the lock")
    # Nobody has to wait for the last pause, which is a minute.
    project.write(".env", "READER_RETRY_SECONDS=[1, 3]\n")
    with stack(project) as running:
        running.up()
        placed = call("POST", f"{running.business}/api/v1/orders", {"lines": [LINE]})
        assert placed.status == 201
        moved = project.make("upgrade", "MODULE=workers")
        assert "Moved, without a conflict" in moved.stderr
        assert "rabbitmq: false" in project.read(".copier-answers.yml")
        project.commit("Workers")
        running.up()
        found = Shop(running, placed.json["id"])
        eventually(lambda: "reading events" in running.printed("business_worker"))
        found.listen()
        yield found


@pytest.fixture(scope="package")
def bot(shop: Shop) -> Shop:
    """The same project at level 2, with the bot."""
    project = shop.stack.project
    project.move(Combination(2, frozenset({"workers", "telegram_bot"})))
    project.lock()
    project.commit("Level 2 and a bot")
    shop.stack.up()
    # Without a token the bot does not start, and everything else works.
    eventually(lambda: "get a token from @BotFather" in shop.stack.printed("business_bot"))
    assert call("GET", f"{shop.stack.business}/hello/ada").json == "ada"
    project.write("docker-compose.override.yml", TELEGRAM)
    project.commit("A Telegram of ours")
    shop.stack.up()
    eventually(lambda: "reading events" in shop.stack.printed("business_bot"))
    return shop
