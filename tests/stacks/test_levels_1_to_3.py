"""What levels 1 to 3 promise works.

One project lives through the file: it starts at level 1, gets orders, moves to level 2 over the
same volume, loses its database and gets it back, moves to level 3, and goes back to level 1.
"""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from extensions.stages import ROOT, Combination
from tests.support.docker import Stack, require_docker, stack
from tests.support.http import PROBLEM, Answer, call, eventually
from tests.support.matrix import FULL
from tests.support.project import start

LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
PLACED: list[dict[str, Any]] = []


@pytest.fixture(scope="module")
def level1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A level 1 system that runs."""
    require_docker()
    project = start(tmp_path_factory.mktemp("honest") / "shop", Combination(1))
    with stack(project) as running:
        # With Docker alone: no Python and no uv on the machine.
        tools = "awk cat docker env git grep head make od paste printf sed sh sort tail tr uname"
        bare = tmp_path_factory.mktemp("bin")
        for tool in tools.split():
            (bare / tool).symlink_to(str(shutil.which(tool)))
        project.make("up", environment=running.environment | {"PATH": str(bare)})
        eventually(lambda: call("GET", f"{running.business}/api/v1/orders").status == 200)
        yield running


@pytest.fixture(scope="module")
def level2(level1: Stack) -> Stack:
    """The same system moved to level 2, on the same volume."""
    project = level1.project
    project.make("setup")
    project.commit("The lock")
    project.make("upgrade", "LEVEL=2")
    project.commit("Level 2")
    level1.up()
    return level1


def orders(running: Stack) -> str:
    return f"{running.business}/api/v1/orders"


def place(running: Stack, **changes: Any) -> dict[str, Any]:
    answer = call("POST", orders(running), {"lines": [LINE]} | changes)
    assert answer.status == 201, answer.text
    order: dict[str, Any] = answer.json
    return order


def check_problem(answer: Answer, status: int) -> None:
    """Fail unless the answer is a problem document of `status` that says something."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    document = answer.json
    assert document["status"] == status
    assert document["title"]
    assert len(document["detail"]) > 10


# --- level 1


def test_an_order_goes_in_through_the_front_and_is_a_row(level1: Stack) -> None:
    order = place(level1)
    PLACED.append(order)
    assert call("GET", f"{orders(level1)}/{order['id']}").json == order
    row = level1.sql(
        f"SELECT customer_id, status, total, version FROM orders WHERE id = '{order['id']}'"
    )
    assert row == "customer-1|placed|9.00|1"
    assert level1.sql(f"SELECT count(*) FROM order_lines WHERE order_id = '{order['id']}'") == "1"


def test_level_1_has_nothing_of_level_2(level1: Stack) -> None:
    check_problem(call("GET", f"{level1.business}/health"), 404)
    check_problem(call("GET", f"{level1.business}/ready"), 404)
    assert "X-Request-ID" not in call("GET", orders(level1)).headers
    assert "Application startup complete." in level1.printed("business_api")
    assert level1.logs("business_api") == []
    assert set(level1.states().values()) == {"running 0", "exited 0"}


def test_the_data_service_waits_for_a_database_that_is_not_there_yet(level1: Stack) -> None:
    level1.stop("postgres", "data_postgres_api")
    level1.compose("up", "--detach", "--no-deps", "data_postgres_api")
    eventually(lambda: "waiting for PostgreSQL at" in level1.printed("data_postgres_api"))
    level1.start("postgres")
    eventually(lambda: call("GET", orders(level1)).status == 200)


@pytest.mark.parametrize(
    ("setting", "where", "reason"),
    [
        ("POSTGRES_HOST=nowhere", "nowhere", "name resolution|not known"),
        ("POSTGRES_PASSWORD=old", "postgres", 'password authentication failed for user "app"'),
    ],
)
def test_the_wait_ends_with_a_clear_message(
    level1: Stack, setting: str, where: str, reason: str
) -> None:
    done = level1.compose(
        *("run", "--rm", "--no-deps", "-T", "-e", "POSTGRES_WAIT_SECONDS=2", "-e", setting),
        *("migrate", "sh", "-c", "alembic upgrade heads 2>&1; echo ended with $?"),
    )
    *_, last, ending = done.strip().splitlines()
    assert ending == "ended with 1"
    assert f"PostgreSQL at {where}:5432 did not accept a connection within 2 seconds" in last
    assert re.search(reason, last)


def test_it_answers_as_soon_as_make_up_ends(level1: Stack) -> None:
    level1.compose("stop")
    level1.up()
    assert call("GET", orders(level1)).status == 200


def test_make_up_says_why_it_failed(level1: Stack) -> None:
    level1.project.write(
        "docker-compose.override.yml",
        "services:\n  migrate:\n    environment:\n"
        "      POSTGRES_WAIT_SECONDS: 2\n      POSTGRES_PASSWORD: old\n",
    )
    try:
        done = level1.project.make("up", check=False, environment=level1.environment)
        assert done.returncode != 0
        assert 'password authentication failed for user "app"' in done.stdout + done.stderr
    finally:
        (level1.project.path / "docker-compose.override.yml").unlink()
        level1.up()
        eventually(lambda: call("GET", orders(level1)).status == 200)


def test_the_wait_is_bounded_when_nothing_answers(level1: Stack) -> None:
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 5432)); time.sleep(60)"
    script = f'python -c "{listen}" & sleep 1; alembic upgrade heads 2>&1; echo ended with $?'
    done = level1.compose(
        *("run", "--rm", "--no-deps", "-T", "-e", "POSTGRES_WAIT_SECONDS=2"),
        *("-e", "POSTGRES_HOST=127.0.0.1", "migrate", "sh", "-c", script),
    )
    assert "PostgreSQL at 127.0.0.1:5432 did not accept a connection within 2 seconds" in done
    assert done.strip().endswith("ended with 1")


def test_a_client_that_stalls_cannot_hold_the_stop(level1: Stack) -> None:
    host, port = level1.business.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.5)
        level1.stop("business_api")
    try:
        assert level1.states()["business_api"] != "exited 137"  # killed
    finally:
        level1.up()
        eventually(lambda: call("GET", orders(level1)).status == 200)


def test_a_data_service_that_is_down_or_slow_is_said(level1: Stack) -> None:
    level1.pause("data_postgres_api")
    try:
        check_problem(call("GET", orders(level1)), 504)
    finally:
        level1.unpause("data_postgres_api")
    level1.stop("data_postgres_api")
    check_problem(call("GET", orders(level1)), 503)
    level1.start("data_postgres_api")
    eventually(lambda: call("GET", orders(level1)).status == 200)


def test_a_team_adds_a_column(level1: Stack) -> None:
    project = level1.project
    models = "services/data_postgres_api/src/data_postgres_api/orders/models.py"
    column = (
        "    note: Mapped[str | None] = mapped_column(String(200))\n"
        '    before_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))\n'
    )
    project.replace(models, "    total: Mapped", f"{column}    total: Mapped")
    # Without a name a constraint could not be dropped again.
    unique = '        UniqueConstraint("id", "version"),\n'
    project.replace(
        models, '        Index("orders_newest", ', f'{unique}        Index("orders_newest", '
    )
    imported = "CheckConstraint, DateTime, ForeignKey, Index, Numeric, String, func"
    names = imported.replace("func", "UniqueConstraint, func").replace(", ", ",\n    ")
    project.replace(models, f"import {imported}\n", f"import (\n    {names},\n)\n")
    project.make("migration", "NAME=add note", environment=level1.environment)
    project.make("migration", "NAME=nothing new", environment=level1.environment)
    made = sorted((project.path / "services/data_postgres_api/migrations/versions/core").glob("2*"))
    assert len(made) == 2, "the same day gives two files"
    for file in made:
        if "nothing" in file.name:
            file.unlink()
    project.make("lint")
    project.commit("A note on every order")
    level1.up()
    assert level1.sql("SELECT count(*) FROM orders WHERE note IS NULL") == str(len(PLACED))
    heads = level1.compose("run", "--rm", "-T", "migrate", "alembic", "heads")
    assert heads.count("(core) (head)") == 1, "the revision went to the team's branch"
    names = "SELECT conname FROM pg_constraint WHERE conrelid = 'orders'::regclass"
    ours = {"orders_before_id_fkey", "orders_id_version_key"}
    assert ours <= {*level1.sql(names).split()}
    level1.compose("run", "--rm", "-T", "migrate", "alembic", "downgrade", "core@-1")
    assert not ours & {*level1.sql(names).split()}
    level1.compose("run", "--rm", "-T", "migrate", "alembic", "upgrade", "heads")
    assert ours <= {*level1.sql(names).split()}


def listed_while_the_table_changes(running: Stack, during: set[int]) -> None:
    """List orders before and after a column changes, which ends prepared statements."""

    def statuses() -> set[int]:
        with ThreadPoolExecutor(8) as pool:
            asked = pool.map(lambda _: call("GET", orders(running)).status, range(40))
            return set(asked)

    assert statuses() == {200}
    running.sql("ALTER TABLE orders ALTER status TYPE varchar(32)")
    try:
        assert statuses() <= during
        assert statuses() == {200}
    finally:
        running.sql("ALTER TABLE orders ALTER status TYPE varchar(16)")
    eventually(lambda: statuses() == {200})


def test_a_changed_table_is_no_error_of_the_service(level1: Stack) -> None:
    listed_while_the_table_changes(level1, {200, 503})


# --- the move


def test_the_orders_of_level_1_are_there_at_level_2(level2: Stack) -> None:
    for order in PLACED:
        assert call("GET", f"{orders(level2)}/{order['id']}").json == order
    listed = call("GET", f"{orders(level2)}?limit=100").json["items"]
    assert PLACED[0]["id"] in [order["id"] for order in listed]
    assert level2.sql("SELECT count(*) FROM orders") == str(len(PLACED))


# --- level 2


def test_from_level_2_on_nobody_notices_a_changed_table(level2: Stack) -> None:
    listed_while_the_table_changes(level2, {200})


def test_every_service_is_healthy(level2: Stack) -> None:
    assert level2.states() == {
        "migrate": "exited 0",
        "postgres": "healthy",
        "data_postgres_api": "healthy",
        "business_api": "healthy",
    }


def test_readiness_fails_with_the_database_and_recovers(level2: Stack) -> None:
    business, data = level2.business, level2.data
    for service in (business, data):
        assert call("GET", f"{service}/ready").status == 200
    level2.stop("postgres")
    try:
        for service in (business, data):
            eventually(lambda service=service: call("GET", f"{service}/ready").status == 503)  # type: ignore[misc]
            check_problem(call("GET", f"{service}/ready"), 503)
            assert call("GET", f"{service}/health").status == 200
        check_problem(call("GET", orders(level2)), 503)
    finally:
        level2.start("postgres")
    for service in (business, data):
        eventually(lambda service=service: call("GET", f"{service}/ready").status == 200)  # type: ignore[misc]
    assert call("GET", orders(level2)).status == 200


def test_readiness_of_the_business_service_follows_the_data_service(level2: Stack) -> None:
    level2.stop("data_postgres_api")
    check_problem(call("GET", f"{level2.business}/ready"), 503)
    assert call("GET", f"{level2.business}/health").status == 200
    level2.start("data_postgres_api")
    eventually(lambda: call("GET", f"{level2.business}/ready").status == 200)


def test_a_request_id_goes_through_both_services_and_their_logs(level2: Stack) -> None:
    given = f"journey-{uuid4().hex}"
    answer = call("POST", orders(level2), {"lines": [LINE]}, headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    for service in ("business_api", "data_postgres_api"):

        def seen(service: str = service) -> list[dict[str, object]]:
            return [line for line in level2.logs(service) if line.get("request_id") == given]

        eventually(lambda seen=seen: "chassis.access" in [line["logger"] for line in seen()])  # type: ignore[misc]
        assert [line["event"] for line in seen() if line["logger"] == "chassis.access"] == [
            "request"
        ]
        assert {line["service"] for line in seen()} == {service}


def test_every_line_of_the_logs_is_json_of_one_shape(level2: Stack) -> None:
    for service in ("business_api", "data_postgres_api", "migrate"):
        lines = level2.lines(service)
        assert lines
        # The container of level 1 is gone, so every line is of level 2.
        shapes = [json.loads(line) for line in lines]
        for shape in shapes:
            assert {"event", "level", "logger", "service", "timestamp"} <= shape.keys()


@pytest.mark.parametrize(
    "bad", ["a b", "x" * 200, "a;b", "ab\u00e9", "%0d%0aSet-Cookie:x", "<script>"]
)
def test_a_request_id_cannot_inject_anything(level2: Stack, bad: str) -> None:
    answer = call("GET", orders(level2), headers={"X-Request-ID": bad})
    assert answer.status == 200
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert "set-cookie" not in {name.lower() for name in answer.headers}


def test_the_api_says_who_it_is(level2: Stack) -> None:
    info = call("GET", f"{level2.business}/openapi.json").json["info"]
    assert info["title"] == "Business API"
    assert info["description"] == "A small shop that takes orders."
    assert info["contact"] == {"name": "The team"}


def test_code_is_reloaded_in_development(level2: Stack) -> None:
    files = ("-f", "docker-compose.yml", "-f", "docker-compose.dev.yml")
    main = level2.project.path / "services/business_api/src/business_api/main.py"
    level2.compose(*files, "up", "--detach", "--wait", "business_api")
    try:
        text = main.read_text()
        main.write_text(text.replace('title="Business API"', 'title="Reloaded API"'))

        def title() -> str:
            return str(call("GET", f"{level2.business}/openapi.json").json["info"]["title"])

        eventually(lambda: title() == "Reloaded API")
        assert "DEBUG" in level2.execute("business_api", "env")
    finally:
        level2.project.git("checkout", "--", ".")
        level2.up()


# --- bad input, on both services


def lines(**changes: Any) -> dict[str, Any]:
    return {"lines": [LINE | changes]}


def price(amount: object, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


BODIES = {
    "no lines": {"lines": []},
    "10,000 lines": {"lines": [{}] * 10_000},
    "an unknown field": {"lines": [LINE], "discount": 5},
    "an unknown field in a line": lines(colour="green"),
    "a negative quantity": lines(quantity=-1),
    "a quantity of half": lines(quantity=0.5),
    "a quantity as text": lines(quantity="2"),
    "a huge quantity": lines(quantity=10**30),
    "three decimals": lines(unit_price=price("1.234")),
    "a negative price": lines(unit_price=price("-1")),
    "a price that is no number": lines(unit_price=price("NaN")),
    "a price that is a float": lines(unit_price=price(1.5)),
    "a price beyond all bounds": lines(unit_price=price("9999999999999999.99")),
    "an unknown kind of currency": lines(unit_price=price("1", "euro")),
    "mixed currencies": {"lines": [LINE, LINE | {"unit_price": price("1", "USD")}]},
    "a null byte": lines(sku="TEA\x00"),
    "half a surrogate pair": lines(sku="\ud800"),
    "no object": [],
    "null": None,
}


@pytest.mark.parametrize("what", BODIES)
def test_a_bad_order_is_refused_and_nothing_is_written(level2: Stack, what: str) -> None:
    before = level2.sql("SELECT count(*) FROM orders")
    raw = json.dumps(BODIES[what]).encode()
    check_problem(call("POST", orders(level2), raw=raw), 422)
    body = BODIES[what]
    to_data = json.dumps(body | {"total": price("9.00")} if isinstance(body, dict) else body)
    answer = call("PUT", f"{level2.data}/api/v1/orders/{uuid4()}", raw=to_data.encode())
    check_problem(answer, 422)
    assert level2.sql("SELECT count(*) FROM orders") == before


RAW = {
    "broken JSON": b'{"lines": [',
    "no JSON": b"lines=1",
    "bytes that are no text": b"\xff\xfe\x00",
    "a very deep document": b"[" * 100_000,
    "a number of 5,000 digits": b'{"lines": ' + b"9" * 5_000 + b"}",
    "NaN": b'{"lines": NaN}',
    "a key that is no text": b'{"\\ud800": 1}',
    "nothing": b"",
}


@pytest.mark.parametrize("what", RAW)
def test_a_broken_body_is_refused(level2: Stack, what: str) -> None:
    stored = f"{level2.data}/api/v1/orders/{uuid4()}"
    for method, url in (("POST", orders(level2)), ("PUT", stored)):
        answer = call(method, url, raw=RAW[what])
        check_problem(answer, 400 if answer.status == 400 else 422)


@pytest.mark.parametrize("service", ["business", "data"])
def test_a_body_of_20_mb_is_refused(level2: Stack, service: str) -> None:
    # By a client that reads the answer while it still sends, as real ones do.
    url = (
        getattr(level2, service) + f"/api/v1/orders{'' if service == 'business' else f'/{uuid4()}'}"
    )
    done = subprocess.run(
        ["curl", "--silent", "--include", "--request", "POST" if service == "business" else "PUT",
         "--header", "Content-Type: application/json", "--header", "X-Subject: me",
         "--header", "Expect:", "--data-binary", "@-", url],
        input=b" " * 20_000_000, capture_output=True,
    )  # fmt: skip
    assert b"413" in done.stdout.splitlines()[0], done
    assert PROBLEM.encode() in done.stdout


PATHS = {
    "a bad UUID": ("GET", "/not-a-uuid", 422),
    "an unknown order": ("GET", f"/{uuid4()}", 404),
    "an unknown path": ("GET", f"/{uuid4()}/what", 404),
    "a method that is not there": ("DELETE", "", 405),
    "a cursor from elsewhere": ("GET", "?cursor=bm90IG91cnM", 422),
    "a cursor of bytes": ("GET", "?cursor=%FF%00", 422),
    "a limit of nothing": ("GET", "?limit=0", 422),
    "a limit of everything": ("GET", "?limit=100000", 422),
    "an unknown status": ("GET", "?status=lost", 422),
    "an unknown parameter": ("GET", "?page=2", 422),
}


@pytest.mark.parametrize("service", ["business", "data"])
@pytest.mark.parametrize("what", PATHS)
def test_a_bad_address_is_refused(level2: Stack, service: str, what: str) -> None:
    method, path, status = PATHS[what]
    check_problem(call(method, f"{getattr(level2, service)}/api/v1/orders{path}"), status)


def test_a_cursor_of_another_list_is_refused(level2: Stack) -> None:
    for _ in range(2):
        place(level2)
    cursor = call("GET", f"{orders(level2)}?limit=1").json["next_cursor"]
    assert call("GET", f"{orders(level2)}?limit=1&cursor={cursor}").status == 200
    check_problem(call("GET", f"{orders(level2)}?status=paid&cursor={cursor}"), 422)


@pytest.mark.parametrize("customer", ["", "no spaces", "x" * 65, "semi;colon", "zo\u00eb"])
def test_a_bad_customer_is_refused(level2: Stack, customer: str) -> None:
    answer = call("POST", orders(level2), {"lines": [LINE]}, headers={"X-Subject": customer})
    check_problem(answer, 422)
    assert answer.json["errors"][0]["field"] == "header.X-Subject"


def test_an_illegal_change_is_refused(level2: Stack) -> None:
    order = place(level2)
    one = f"{orders(level2)}/{order['id']}"
    check_problem(call("POST", f"{one}/ship"), 409)
    assert call("GET", one).json == order


def test_the_same_cancellation_twice_changes_nothing(level2: Stack) -> None:
    one = f"{orders(level2)}/{place(level2)['id']}"
    first = call("POST", f"{one}/cancel")
    assert first.status == 200
    assert call("POST", f"{one}/cancel").json == first.json
    check_problem(call("POST", f"{one}/pay"), 409)


def test_of_a_cancellation_and_a_payment_at_once_one_wins(level2: Stack) -> None:
    """The race is run at the data service, where both have read the same version."""
    for _ in range(10):
        order = place(level2)
        url = f"{level2.data}/api/v1/orders/{order['id']}/status"
        with ThreadPoolExecutor(2) as pool:
            answers = list(
                pool.map(
                    lambda status: call("PUT", url, {"status": status, "version": 1}),  # noqa: B023
                    ["paid", "cancelled"],
                )
            )
        assert sorted(answer.status for answer in answers) == [200, 409]
        final = call("GET", f"{orders(level2)}/{order['id']}").json
        assert final["version"] == 2
        winner = next(answer for answer in answers if answer.status == 200)
        assert final["status"] == winner.json["status"]


@pytest.mark.parametrize("service", ["business", "data"])
def test_schemathesis_finds_nothing(level2: Stack, service: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(ROOT / "tests/schemathesis.toml")),
            *("run", f"{getattr(level2, service)}/openapi.json"),
            *("--header", "X-Subject: schemathesis"),
            *("--max-examples", "60" if FULL else "25", "--seed", "1", "--request-timeout", "20"),
            *("--checks", "all", "--workers", "2"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    for name in ("business_api", "data_postgres_api"):
        said = level2.logs(name)
        assert "chassis.access" in {line["logger"] for line in said}
        assert [line for line in said if line["level"] == "error"] == []


# --- level 3


@pytest.fixture(scope="module")
def level3(level2: Stack) -> Stack:
    """The same system moved to level 3, on the same volume."""
    project = level2.project
    project.git("checkout", "--", ".")
    project.move(Combination(3))
    project.lock()
    project.commit("Level 3")
    level2.up()
    return level2


def test_the_orders_of_level_1_come_through_the_gateway_of_level_3(level3: Stack) -> None:
    gateway = level3.url("gateway", 8443).replace("http://", "https://")
    trusted = ssl.create_default_context(cafile=str(level3.project.path / "certs/fullchain.pem"))
    for order in PLACED:
        answer = call("GET", f"{gateway}/api/v1/orders/{order['id']}", context=trusted)
        assert answer.json == order
        assert answer.headers["Strict-Transport-Security"]
    assert call("GET", f"{gateway}/metrics", context=trusted).status == 404
    placed = call("POST", f"{gateway}/api/v1/orders", {"lines": [LINE]}, context=trusted)
    assert placed.status == 201


def test_prometheus_scrapes_level_3(level3: Stack) -> None:
    query = f"{level3.url('prometheus', 9090)}/api/v1/query?query=min%20by%20(job)%20(up)"

    def up() -> bool:
        found = call("GET", query).json["data"]["result"]
        jobs = {each["metric"]["job"]: each["value"][1] for each in found}
        wanted = ("business_api", "data_postgres_api", "gateway", "readiness", "prometheus")
        return jobs == dict.fromkeys(wanted, "1")

    eventually(up)


BOUNCER = """FROM debian:trixie-slim
RUN apt-get -q update && apt-get -q install --yes --no-install-recommends pgbouncer
COPY userlist.txt pgbouncer.ini /etc/pgbouncer/
USER postgres
CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]
"""
# Fewer connections than the service keeps, and without its help for prepared statements.
BOUNCER_SETTINGS = """[databases]
app = host=postgres
[pgbouncer]
listen_addr = *
listen_port = 5432
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/userlist.txt
pool_mode = transaction
default_pool_size = 3
max_prepared_statements = 0
"""
WITH_BOUNCER = """services:
  pgbouncer:
    build: bouncer
    depends_on:
      postgres:
        condition: service_healthy
  data_postgres_api:
    environment:
      POSTGRES_HOST: pgbouncer
      POSTGRES_POOLER: transaction
"""
LIMITS = """
import asyncio
from chassis.settings import read_settings
from data_postgres_api.database import create_engine
from data_postgres_api.settings import PostgresSettings

async def main():
    engine = create_engine(read_settings(PostgresSettings))
    async with engine.connect() as connection:
        print((await connection.exec_driver_sql("SHOW statement_timeout")).scalar_one())

asyncio.run(main())
"""


def test_a_pooler_may_lend_connections_to_transactions(level3: Stack) -> None:
    project = level3.project
    secret = re.search(r"^POSTGRES_PASSWORD=(.*)$", project.read(".env"), re.MULTILINE)
    assert secret
    project.write("bouncer/Dockerfile", BOUNCER)
    project.write("bouncer/pgbouncer.ini", BOUNCER_SETTINGS)
    project.write("bouncer/userlist.txt", f'"app" "{secret[1]}"\n')
    project.write("docker-compose.override.yml", WITH_BOUNCER)
    try:
        level3.compose("up", "--detach", "--build", "--wait", "pgbouncer", "data_postgres_api")
        eventually(lambda: call("GET", orders(level3)).status == 200)

        def use(_: int) -> list[int]:
            order = place(level3)
            url = f"{orders(level3)}/{order['id']}"
            return [
                call("GET", url).status,
                call("POST", f"{url}/cancel").status,
                call("GET", orders(level3)).status,
            ]

        with ThreadPoolExecutor(12) as threads:
            assert {status for each in threads.map(use, range(60)) for status in each} == {200}
        connected = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        assert int(level3.sql(connected)) <= 4  # the pooler's three, and this one
        assert level3.execute("data_postgres_api", "python", "-c", LIMITS).strip() == "3s"
    finally:
        (project.path / "docker-compose.override.yml").unlink()
        shutil.rmtree(project.path / "bouncer")
        level3.compose("up", "--detach", "--wait", "--remove-orphans")


# --- the way back


def test_the_way_back_keeps_the_data(level3: Stack) -> None:
    before = level3.sql("SELECT count(*) FROM orders")
    project = level3.project
    done = project.make("downgrade", "LEVEL=1", environment=level3.environment)
    assert "The data are in backups/" in done.stderr
    (backup,) = (project.path / "backups").glob("*.sql")
    assert PLACED[0]["id"] in backup.read_text()
    level3.up()
    eventually(lambda: call("GET", orders(level3)).status == 200)
    assert level3.sql("SELECT count(*) FROM orders") == before


def test_stopping_it_keeps_the_data(level3: Stack) -> None:
    before = level3.sql("SELECT count(*) FROM orders")
    level3.project.make("down", environment=level3.environment)
    assert level3.compose("ps", "--all", "--quiet") == ""
    level3.up()
    eventually(lambda: call("GET", orders(level3)).status == 200)
    assert level3.sql("SELECT count(*) FROM orders") == before
