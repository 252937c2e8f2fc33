"""A module that is taken away leaves nothing behind, and the orders stay."""

from tests.stacks.modules.shop import Shop
from tests.support.http import call, eventually


def test_a_module_that_is_not_there_cannot_be_taken_away(bot: Shop) -> None:
    refused = bot.make("downgrade", "MODULE=tea")
    assert 'There is no module "tea"' in refused.stderr


def test_events_in_the_outbox_are_not_dropped_silently(bot: Shop) -> None:
    shop, project = bot, bot.stack.project
    eventually(lambda: shop.outbox() == 0)
    shop.stack.stop("outbox_relay")
    shop.place()
    lost = shop.make("downgrade", "MODULE=workers")
    assert lost.returncode != 0
    assert "1 events wait in the outbox, and would be lost" in lost.stderr
    assert project.git("status", "--porcelain") == ""
    shop.stack.start("outbox_relay")
    eventually(lambda: shop.outbox() == 0)


def test_the_bot_takes_its_queues_and_its_files_with_it(bot: Shop) -> None:
    shop, project = bot, bot.stack.project
    (project.path / "docker-compose.override.yml").unlink()
    project.commit("No Telegram of ours")
    done = project.make("downgrade", "MODULE=telegram_bot", environment=shop.stack.environment)
    assert "These queues of business_bot go" in done.stderr
    assert not (project.path / "services/business_bot").exists()
    assert not (project.path / "infrastructure/redis").exists()
    project.commit("Without the bot")
    shop.stack.compose("up", "--detach", "--wait", "--no-deps", "rabbitmq", "postgres")
    listed = shop.stack.execute("rabbitmq", "rabbitmqctl", "--quiet", "list_queues", "name")
    assert "business_bot" not in listed
    assert "business_worker" in listed


def test_without_workers_and_broker_the_orders_stay(bot: Shop) -> None:
    shop, project = bot, bot.stack.project
    orders = shop.stack.sql("SELECT id FROM orders ORDER BY id")
    done = project.make("downgrade", "MODULE=workers", environment=shop.stack.environment)
    for table in ("inbox", "sales", "outbox"):
        assert f"Taking away the tables of {table}" in done.stderr
    backup = max((project.path / "backups").glob("before-without-workers-*.sql"))
    assert "COPY public.sales" in backup.read_text()
    assert "CREATE TABLE public.outbox" in backup.read_text()
    assert not (project.path / "services/business_worker").exists()
    assert not (project.path / "infrastructure/rabbitmq").exists()
    project.commit("Without workers")
    shop.stack.up()
    assert shop.stack.sql("SELECT id FROM orders ORDER BY id") == orders
    tables = "SELECT to_regclass('sales'), to_regclass('inbox'), to_regclass('outbox')"
    assert shop.stack.sql(tables) == "||"
    assert shop.place()
    assert call("GET", f"{shop.stack.business}/hello/ada").json == "ada"
    assert shop.stack.services() == {"business_api", "data_postgres_api", "postgres"}
