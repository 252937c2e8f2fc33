"""Law 7 for level 4: who may do what, on a running production stack with the data of level 3.

One project lives through the file: level 3 with an order that was placed before there were users,
moved to level 4 and run from the production files, with two replicas of each service.
"""

import base64
import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext

from extensions.stages import Combination
from tests.support.browser import browse
from tests.support.docker import Stack, compose_files, require_docker, stack
from tests.support.http import PROBLEM, Answer, call, eventually
from tests.support.oauth import Browser, Login, query_of
from tests.support.ports import free_port
from tests.support.production import Secured
from tests.support.project import outer_environment, start

LINE = {"sku": "TEA-250", "quantity": 2, "unit_price": {"amount": "4.50", "currency": "EUR"}}
ORDER = {"lines": [LINE]}
PASSWORD = "correct horse battery staple"
# What a team adds: a way to read traces from outside, and a Vault.
OVERRIDE = """\
services:
  jaeger:
    ports: ["127.0.0.1::16686"]
  vault:
    image: openbao/openbao:latest
    command: [server, -dev, "-dev-listen-address=0.0.0.0:8200", -dev-root-token-id=root]
    ports: ["127.0.0.1::8200"]
"""
OURS = """

@app.get("/hello/{name}")
async def hello(name: str) -> str:
    return name
"""


@dataclass(frozen=True)
class Shop(Secured):
    """The system, with the order of level 3."""

    old_order: dict[str, Any]

    def log_in(self, login: str = "ada", password: str = PASSWORD) -> dict[str, Any]:
        """Log in with a new browser and return the tokens."""
        person = self.person()
        tokens: dict[str, Any] = person.exchange(person.code(login, password)).json
        return tokens

    def person(self, **of: str) -> Login:
        return Login(Browser(self.port, self.context), self.issuer, **of)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    require_docker()
    project = start(tmp_path_factory.mktemp("security") / "shop", Combination(3))
    with stack(project) as running:
        running.up()
        project.append("services/business_api/src/business_api/main.py", OURS)
        placed = call("POST", f"{running.business}/api/v1/orders", ORDER)
        assert placed.status == 201
        project.make("setup")
        project.commit("The lock")
        project.make("upgrade", "LEVEL=4")
        project.commit("Level 4")
        http, https = free_port(), free_port()
        project.write("docker-compose.override.yml", OVERRIDE)
        project.append(
            ".env",
            f"PUBLIC_HTTP_PORT={http}\nPUBLIC_HTTPS_PORT={https}\n"
            f"ISSUER_URL=https://localhost:{https}\nRATE_LIMIT=1000\nRATE_BURST=1000\n"
            "WRITE_RATE_LIMIT=1000\nWRITE_RATE_BURST=1000\n"
            "OTEL_TRACES_SAMPLER_ARG=1\n",
        )
        project.make("prod", environment=running.environment)
        found = Shop(running, https, placed.json)
        made = found.make("admin", "LOGIN=ada", given=f"{PASSWORD}\n")
        assert "can log in" in made.stdout, made.stderr
        yield found
        found.compose("down", "--volumes", "--timeout", "0")


def problem(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json["status"] == status
    assert re.fullmatch(r"[0-9a-f]{32}", answer.json["trace_id"])


def test_the_first_administrator_sees_what_was_there_before(shop: Shop) -> None:
    token = shop.log_in()["access_token"]
    order = shop.call("GET", f"/api/v1/orders/{shop.old_order['id']}", token)
    assert order.json == shop.old_order


def test_a_customer_from_before_gets_a_login_and_has_the_orders(shop: Shop) -> None:
    root = shop.log_in()["access_token"]
    new = {"login": "Customer@Example.org", "password": PASSWORD, "id": "customer-1"}
    assert shop.call("POST", "/api/v1/users", root, new).status == 201
    token = shop.log_in("customer@example.org")["access_token"]
    listed = shop.call("GET", "/api/v1/orders", token).json["items"]
    assert [item["id"] for item in listed] == [shop.old_order["id"]]


def test_the_database_of_level_3_is_the_primary_of_a_pair(shop: Shop) -> None:
    is_a_pair_with(shop.stack, str(shop.old_order["id"]))


def is_a_pair_with(running: Stack, order: str) -> None:
    """The volume of a lower level is archived, and the standby has the order of that time."""
    archived = "SELECT current_setting('archive_mode'), last_archived_wal FROM pg_stat_archiver"
    eventually(lambda: re.fullmatch(r"on\|\w+(\.\w+)*", running.sql(archived)) is not None)
    psql = (
        "psql",
        "-qAt",
        "-U",
        "app",
        "-d",
        "app",
        "-c",
        "SELECT id, pg_is_in_recovery() FROM orders",
    )
    standby = ("exec", "-T", "postgres_standby", *psql)
    eventually(lambda: f"{order}|t" in running.compose(*standby).splitlines())


def test_without_a_token_there_is_nothing(shop: Shop) -> None:
    for path in ("/api/v1/orders", "/nowhere", f"/api/v1/orders/{uuid4()}"):
        answer = shop.call("GET", path, None)
        problem(answer, 401)
        assert answer.headers["www-authenticate"] == 'Bearer realm="api"'
    problem(shop.call("GET", "/api/v1/orders", "made.up.token"), 401)


def test_a_route_of_level_3_is_guarded(shop: Shop) -> None:
    problem(shop.call("GET", "/hello/ada", None), 401)
    problem(shop.call("GET", "/hello/ada", shop.log_in()["access_token"]), 403)


def test_a_header_of_a_lower_level_says_nothing_any_more(shop: Shop) -> None:
    url = f"{shop.issuer}/api/v1/orders"
    answer = call("GET", url, headers={"X-Customer-Id": "customer-1"}, context=shop.context)
    assert answer.status == 401


def test_what_a_role_lacks_is_forbidden(shop: Shop) -> None:
    token = shop.make("token", "WHO=bob", "ROLES=customer").stdout.strip()
    answer = shop.call("POST", f"/api/v1/orders/{shop.old_order['id']}/ship", token)
    problem(answer, 403)
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    # What is somebody else's is not there at all.
    problem(shop.call("GET", f"/api/v1/orders/{shop.old_order['id']}", token), 404)


def test_a_session_that_is_ended_is_ended_everywhere(shop: Shop) -> None:
    tokens, other = shop.log_in(), shop.log_in()
    token = tokens["access_token"]
    listed = shop.call("GET", "/api/v1/sessions", token).json["items"]
    current = next(item["id"] for item in listed if item["current"])
    assert shop.call("DELETE", f"/api/v1/sessions/{current}", other["access_token"]).status == 204
    time.sleep(3)
    # Each of the two replicas is asked, whichever the gateway chooses.
    answers = {shop.call("GET", "/api/v1/orders", token).status for _ in range(10)}
    assert answers == {401}
    assert shop.call("GET", "/api/v1/orders", other["access_token"]).status == 200


def test_a_refresh_token_works_once_at_whatever_replica(shop: Shop) -> None:
    person = shop.person()
    tokens = person.exchange(person.code("ada", PASSWORD)).json
    for _ in range(6):
        old, tokens = tokens, person.refresh(tokens["refresh_token"]).json
        assert shop.call("GET", "/api/v1/orders", tokens["access_token"]).status == 200
    assert person.refresh(old["refresh_token"]).json["error"] == "invalid_grant"
    assert person.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_sessions_survive_a_restart(shop: Shop) -> None:
    person = shop.person()
    tokens = person.exchange(person.code("ada", PASSWORD)).json
    shop.compose("restart", "--timeout", "8", "business_api", "redis")
    eventually(lambda: person.browser.send("GET", "/health").status == 200)
    eventually(lambda: shop.call("GET", "/api/v1/orders", tokens["access_token"]).status == 200)
    refreshed = person.refresh(tokens["refresh_token"])
    assert refreshed.status == 200
    # And the browser need not log in again.
    assert query_of(person.browser.send("GET", person.address()))["state"] == "s-1"


@pytest.mark.full
def test_keys_are_rotated_without_a_refusal(shop: Shop) -> None:
    before = shop.log_in()["access_token"]
    old, following = shop.call("GET", "/.well-known/jwks.json", None).json["keys"]
    assert shop.make("rotate-keys").returncode == 0
    done = shop.make("prod")
    assert done.returncode == 0, done.stderr
    after = shop.log_in()["access_token"]
    kids = [key["kid"] for key in shop.call("GET", "/.well-known/jwks.json", None).json["keys"]]
    assert kids[0] == following["kid"]
    assert kids[2] == old["kid"]
    assert [_header(token)["kid"] for token in (before, after)] == [old["kid"], following["kid"]]
    for token in (before, after):
        assert shop.call("GET", "/api/v1/orders", token).status == 200


def _header(token: str) -> dict[str, str]:
    part = token.split(".")[0]
    header: dict[str, str] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


def test_a_machine_acts_with_the_roles_of_its_client(shop: Shop) -> None:
    root = shop.log_in()["access_token"]
    client = shop.call("POST", "/api/v1/clients", root, {"name": "robot", "roles": ["staff"]}).json
    robot = shop.person(client=client["id"])
    token = robot.token(grant_type="client_credentials", client_secret=client["secret"]).json
    assert shop.call("GET", "/api/v1/orders", token["access_token"]).json["items"]
    wrong = robot.token(grant_type="client_credentials", client_secret="wrong")
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
    assert shop.call("DELETE", f"/api/v1/clients/{client['id']}", root).status == 200
    time.sleep(3)
    assert shop.call("GET", "/api/v1/orders", token["access_token"]).status == 401


def test_a_configuration_that_clients_find(shop: Shop) -> None:
    found = shop.call("GET", "/.well-known/openid-configuration", None).json
    assert found["issuer"] == shop.issuer
    assert found["code_challenge_methods_supported"] == ["S256"]
    keys = shop.call("GET", found["jwks_uri"].removeprefix(shop.issuer), None).json["keys"]
    assert all("d" not in key and key["alg"] == "ES256" for key in keys)


def test_security_headers_are_there_once(shop: Shop) -> None:
    done = subprocess.run(
        ["curl", "--silent", "--insecure", "--head", "--request", "GET", f"{shop.issuer}/docs"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line.split(":")[0].lower() for line in done.stdout.splitlines()[1:] if ":" in line]
    for name in (
        "content-security-policy",
        "strict-transport-security",
        "x-frame-options",
        "x-content-type-options",
        "referrer-policy",
        "permissions-policy",
    ):
        assert names.count(name) == 1, name


def test_secrets_are_files_and_not_in_the_environment(shop: Shop) -> None:
    env = (shop.stack.project.path / ".env").read_text()
    secrets = [
        part
        for name in ("ISSUER_SIGNING_KEYS", "SERVICE_PRIVATE_KEY", "REDIS_PASSWORD")
        for part in re.findall(rf'^{name}="?([^"\n]+)"?$', env, re.MULTILINE)[-1].split()
    ]
    assert len(secrets) >= 4
    for service in ("business_api", "data_postgres_api", "redis"):
        ids = shop.compose("ps", "--quiet", service).split()
        assert ids
        inspected = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True)
        assert not [secret for secret in secrets if secret in inspected.stdout]


def test_no_log_holds_a_secret(shop: Shop) -> None:
    tokens = shop.log_in()
    logs = shop.compose("logs", "--no-log-prefix")
    for secret in (PASSWORD, *(str(tokens[k]) for k in ("access_token", "refresh_token"))):
        assert secret not in logs


def test_the_data_service_answers_nobody_else(shop: Shop) -> None:
    ask = "import urllib.request as r; r.urlopen('http://data_postgres_api:8001/api/v1/orders')"
    done = shop.stack.production("exec", "-T", "business_api", "python", "-c", ask, check=False)
    assert done == ""
    logged = shop.compose("logs", "--no-log-prefix", "--tail", "50", "data_postgres_api")
    assert '"status":401' in logged


def test_the_audit_log_is_what_was_written_until_somebody_changes_it(shop: Shop) -> None:
    root = shop.log_in()["access_token"]
    placed = shop.call("POST", "/api/v1/orders", root, ORDER).json["id"]
    newest = shop.call("GET", "/api/v1/audit?limit=10", root).json["items"]
    mine = [item for item in newest if item["rows"] == [placed]]
    assert [(item["action"], item["entity"]) for item in mine] == [("row.created", "orders")]
    good = shop.make("audit")
    assert good.returncode == 0
    assert good.stdout.startswith("The audit log is what was written")
    end = good.stdout.split()[-1]
    change = "UPDATE audit_log SET record = replace(record, 'row.', 'raw.') WHERE sequence = 1"
    with pytest.raises(AssertionError, match="append-only"):
        _sql(shop, change)
    _sql(shop, f"ALTER TABLE audit_log DISABLE TRIGGER ALL; {change}")
    bad = shop.make("audit", f"END={end}")
    assert bad.returncode != 0
    assert "Record 1 is not what was written" in bad.stderr
    _sql(shop, change.replace("'row.', 'raw.'", "'raw.', 'row.'"))


def _sql(shop: Shop, statement: str) -> str:
    psql = ["psql", "--username", "app", "--set", "ON_ERROR_STOP=1", "--command", statement]
    return shop.compose("exec", "-T", "postgres", *psql)


# --- In a browser -------------------------------------------------------------------------------


def test_the_page_of_the_documentation_logs_in(shop: Shop) -> None:
    def journey(browser: BrowserContext) -> None:
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{shop.issuer}/docs")
        page.click(".btn.authorize")
        with browser.expect_page() as opened:
            page.click(".dialog-ux .btn.authorize")
        login = opened.value
        login.fill("#login", "ada")
        login.fill("#password", "not the password")
        login.click("button")
        assert "do not belong together" in login.inner_text("[role=alert]")
        # What was typed is still there, and the next key goes where it is wanted.
        assert login.input_value("#login") == "ada"
        login.keyboard.type(PASSWORD)
        with login.expect_event("close"):
            login.keyboard.press("Enter")
        page.click(".dialog-ux .btn-done")
        page.click("#operations-orders-list_orders_api_v1_orders_get")
        page.click("text=Try it out")
        page.click("text=Execute")
        assert page.inner_text(".live-responses-table .response td.response-col_status") == "200"
        # A page that breaks its own policy says so here.
        assert not [text for text in said if "Content Security Policy" in text or "CSP" in text]

    browse(journey)


def test_logging_out_in_a_browser(shop: Shop) -> None:
    def journey(browser: BrowserContext) -> None:
        page = browser.new_page()
        person = shop.person()
        page.goto(shop.issuer + person.address())
        page.fill("#login", "ada")
        page.fill("#password", PASSWORD)
        page.click("button")
        page.wait_for_url("**/docs/oauth2-redirect**")
        page.goto(f"{shop.issuer}/logout")
        page.click("button")
        assert page.inner_text("h1") == "Logged out"
        page.goto(shop.issuer + person.address())
        assert page.inner_text("h1") == "Log in"

    browse(journey)


# --- Traces ------------------------------------------------------------------------------------


def test_a_request_is_one_trace_through_both_services_to_the_database(shop: Shop) -> None:
    token = shop.log_in()["access_token"]
    trace = uuid4().hex
    headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{trace}-{trace[:16]}-01"}
    answer = call(
        "POST", f"{shop.issuer}/api/v1/orders", ORDER, headers=headers, context=shop.context
    )
    assert answer.status == 201
    jaeger = f"http://{shop.compose('port', 'jaeger', '16686').strip()}"
    spans: list[dict[str, Any]] = []
    wanted = {
        ("business_api", "POST /api/v1/orders"),
        ("data_postgres_api", "PUT /api/v1/orders/{order_id}"),
        ("data_postgres_api", "INSERT"),
    }

    def is_there() -> bool:
        # They come in parts: a service sends what has ended so far.
        found = call("GET", f"{jaeger}/api/traces/{trace}")
        spans[:] = [span for part in found.json["data"] for span in part["spans"]]
        return wanted <= {(span["service"], span["operationName"]) for span in spans}

    eventually(is_there)
    assert {span["service"] for span in spans} == {"business_api", "data_postgres_api"}
    # Whatever the statements were about stays out of the traces.
    for secret in ("TEA-250", token, "4.50"):
        assert secret not in json.dumps(spans)
    for service in ("business_api", "data_postgres_api"):
        assert trace in shop.compose("logs", "--no-log-prefix", service)


def test_logging_in_is_one_trace_with_redis_in_it_and_nobody_named(shop: Shop) -> None:
    shop.log_in()
    jaeger = f"http://{shop.compose('port', 'jaeger', '16686').strip()}"
    found: list[str] = []

    def is_there() -> bool:
        traces = call("GET", f"{jaeger}/api/traces?service=business_api").json["data"]
        found[:] = [json.dumps(trace["spans"]) for trace in traces]
        joined = [
            spans
            for trace, spans in zip(traces, found, strict=True)
            if {span["service"] for span in trace["spans"]} >= {"business_api", "data_postgres_api"}
            and '"POST /oauth/token"' in spans
        ]
        # The session in Redis, the call of the data service, and its statement.
        return any('"redis"' in spans and '"SELECT"' in spans for spans in joined)

    eventually(is_there)
    whole = "".join(found)
    assert "/identity/logins" in whole
    assert "REDACTED" in whole
    assert "login=ada" not in whole
    assert PASSWORD not in whole


def test_a_collector_that_is_gone_slows_nobody(shop: Shop) -> None:
    token = shop.log_in()["access_token"]
    shop.compose("pause", "jaeger")
    try:
        start = time.monotonic()
        answers = {shop.call("GET", "/api/v1/orders", token).status for _ in range(100)}
        assert answers == {200}
        # One export waits for ten seconds before it is given up.
        assert time.monotonic() - start < 9
    finally:
        shop.compose("unpause", "jaeger")


# --- Secrets from Vault -------------------------------------------------------------------------


def _vault(shop: Shop, method: str, path: str, body: object = None) -> Any:
    url = f"http://{shop.compose('port', 'vault', '8200').strip()}/v1/{path}"
    answer = call(method, url, body, headers={"X-Vault-Token": "root"})
    assert answer.status < 300, answer.text
    return answer.json["data"] if answer.text else None


def _from_vault(shop: Shop, *settings: str) -> subprocess.CompletedProcess[str]:
    """Start a service of its own with these settings, and let it say what its password is."""
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "import sys, time\n"
        "from chassis.settings import SettingsError, read_settings\n"
        "from data_postgres_api.settings import PostgresSettings\n"
        "try: print(read_settings(PostgresSettings).password.get_secret_value())\n"
        "except SettingsError as error: sys.exit(str(error))\n"
        "time.sleep(8)"
    )
    options = [option for setting in settings for option in ("--env", setting)]
    files = compose_files(shop.stack.project.path, "prod")
    return subprocess.run(
        ["docker", "compose", *files, "run", "--rm", "--no-deps", "-T", *options,
         "data_postgres_api", "python", "-c", code],
        cwd=shop.stack.project.path,
        env=outer_environment() | shop.stack.environment,
        capture_output=True,
        text=True,
    )  # fmt: skip


def test_secrets_come_from_vault_with_a_lease_that_is_renewed(shop: Shop) -> None:
    policy = 'path "secret/data/shop" { capabilities = ["read"] }'
    _vault(shop, "POST", "sys/auth/approle", {"type": "approle"})
    _vault(shop, "POST", "sys/policies/acl/shop", {"policy": policy})
    role = {"token_policies": "shop", "token_ttl": "3s", "token_max_ttl": "5s"}
    _vault(shop, "POST", "auth/approle/role/shop", role)
    _vault(shop, "POST", "secret/data/shop", {"data": {"POSTGRES_PASSWORD": "from-vault"}})
    role_id = _vault(shop, "GET", "auth/approle/role/shop/role-id")["role_id"]
    secret_id = _vault(shop, "POST", "auth/approle/role/shop/secret-id", {})["secret_id"]
    settings = ["VAULT_ADDR=http://vault:8200", f"VAULT_ROLE_ID={role_id}", "VAULT_PATH=shop"]
    done = _from_vault(shop, *settings, f"VAULT_SECRET_ID={secret_id}")
    assert "from-vault" in done.stdout, done.stderr
    # The token may live for five seconds in all, so within eight it has to be another one.
    assert "logs in again" in done.stderr
    assert "cannot be renewed" not in done.stderr

    refused = _from_vault(shop, *settings, "VAULT_SECRET_ID=wrong")
    assert refused.returncode != 0
    assert "Vault at http://vault:8200/ refuses" in refused.stderr
    assert "wrong" not in refused.stderr
    settings[0] = "VAULT_ADDR=http://nowhere:8200"
    gone = _from_vault(shop, *settings, f"VAULT_SECRET_ID={secret_id}")
    assert "Vault at http://nowhere:8200/ cannot be reached" in gone.stderr
    assert "VAULT_ADDR needs" in _from_vault(shop, settings[0]).stderr


# --- Files --------------------------------------------------------------------------------------


def test_keys_go_below_what_is_there(tmp_path: Path) -> None:
    project = start(tmp_path / "keys", Combination(4))
    project.write(".env", "MINE=1")
    project.make("env")
    before = dict(line.split("=", 1) for line in project.read(".env").splitlines())
    assert before["MINE"] == "1"
    first, second = before["ISSUER_SIGNING_KEYS"].strip('"').split()
    project.write(".env", project.read(".env").rstrip())
    project.make("rotate-keys")
    after = dict(line.split("=", 1) for line in project.read(".env").splitlines())
    next_, new, last = after.pop("ISSUER_SIGNING_KEYS").strip('"').split()
    assert (next_, last) == (second, first)
    assert new not in {first, second}
    assert after == {key: value for key, value in before.items() if key in after}
    # What was before is kept where no commit takes it along.
    assert first in project.read("backups/env-before-rotation")
    assert set(project.git("status", "--porcelain").split()) <= {"??", "uv.lock"}


def test_production_is_told_where_browsers_find_it(tmp_path: Path) -> None:
    project = start(tmp_path / "issuer", Combination(4))
    project.write(".env", "GATEWAY_HOSTS=shop.example\n")
    refused = project.make("issuer", check=False)
    assert refused.returncode != 0
    assert "ISSUER_URL in .env is at localhost, which GATEWAY_HOSTS lacks" in refused.stdout
    for setting in ("ISSUER_URL=https://shop.example", "OIDC_ISSUER=https://login.example/shop"):
        project.write(".env", f"GATEWAY_HOSTS=shop.example\n{setting}\n")
        project.make("issuer")


def test_a_token_that_cannot_be_made_makes_no_header(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "shop", Combination(4))
    project.make("env")
    with stack(project) as running:
        done = project.make("caller", check=False, environment=running.environment)
    assert done.returncode != 0
    assert "Bearer" not in done.stdout


# --- The whole way up, and back -----------------------------------------------------------------


@pytest.mark.full
def test_a_route_of_the_team_is_guarded_on_the_day_of_the_move(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "team", Combination(2))
    main = "services/business_api/src/business_api/main.py"
    project.append(main, OURS)
    project.commit("A route of ours")
    with stack(project) as running:
        running.up()
        order = call("POST", f"{running.business}/api/v1/orders", ORDER).json
        assert call("GET", f"{running.business}/hello/ada").json == "ada"
        project.make("setup")
        project.commit("The lock")
        project.make("upgrade", "LEVEL=4")
        project.commit("Level 4")
        running.up()
        is_a_pair_with(running, order["id"])

        def ask(*roles: str) -> int:
            words = [f"ROLES={' '.join(roles)}", "--silent"]
            token = project.make("token", *words, environment=running.environment).stdout.strip()
            headers = {"Authorization": f"Bearer {token}"}
            return call("GET", f"{running.business}/hello/ada", headers=headers).status

        assert call("GET", f"{running.business}/hello/ada").status == 401
        assert ask("administrator") == 403
        listed = project.make("policy", check=False, environment=running.environment)
        assert listed.returncode != 0
        assert '"GET /hello/{name}" = "..."' in listed.stdout
        lines = (
            '[routes]\n"GET /hello/{name}" = "hello:say"\n[roles.customer]\nown = ["hello:say"]\n'
        )
        project.write("services/business_api/src/business_api/policies/ours.toml", lines)
        running.up()
        assert [ask("administrator"), ask("customer"), ask("staff")] == [200, 200, 403]
        project.make("policy", environment=running.environment)

        project.commit("Our policy")
        project.make("downgrade", "LEVEL=3", environment=running.environment)
        assert not (project.path / "services/business_api/src/business_api/identity").exists()
        project.commit("Level 3")
        running.up()
        assert call("GET", f"{running.business}/hello/ada").json == "ada"
        listed_orders = call("GET", f"{running.business}/api/v1/orders").json["items"]
        assert [item["id"] for item in listed_orders] == [order["id"]]
        assert running.sql("SELECT to_regclass('users'), to_regclass('audit_log')") == "|"
