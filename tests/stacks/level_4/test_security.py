"""Who may do what on the running system: tokens, sessions, keys, the audit log, traces, secrets."""

import base64
import json
import re
import subprocess
import time
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext

from tests.stacks.level_4.system import PASSWORD, System, problem
from tests.support.browser import browse
from tests.support.docker import compose_files
from tests.support.edge import ORDER
from tests.support.http import call, eventually
from tests.support.oauth import query_of
from tests.support.project import NEWEST, outer_environment


@pytest.fixture(scope="module")
def order(system: System) -> str:
    """An order of somebody who has no part in these tests."""
    placed = system.call("POST", "/api/v1/orders", system.token("carol", "customer"), ORDER)
    assert placed.status == 201
    return str(placed.json["id"])


def test_without_a_token_there_is_nothing(system: System) -> None:
    for path in ("/api/v1/orders", "/nowhere", f"/api/v1/orders/{uuid4()}"):
        answer = system.call("GET", path, None)
        problem(answer, 401)
        assert answer.headers["www-authenticate"] == 'Bearer realm="api"'
    problem(system.call("GET", "/api/v1/orders", "made.up.token"), 401)


def test_a_header_of_a_lower_level_says_nothing_any_more(system: System) -> None:
    url = f"{system.issuer}/api/v1/orders"
    answer = call("GET", url, headers={"X-Subject": "customer-1"}, context=system.context)
    assert answer.status == 401


def test_what_a_role_lacks_is_forbidden(system: System, order: str) -> None:
    token = system.token("bob", "customer")
    answer = system.call("POST", f"/api/v1/orders/{order}/ship", token)
    problem(answer, 403)
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    # What is somebody else's is not there at all.
    problem(system.call("GET", f"/api/v1/orders/{order}", token), 404)


def test_a_session_that_is_ended_is_ended_everywhere(system: System) -> None:
    tokens, other = system.log_in(), system.log_in()
    token = tokens["access_token"]
    listed = system.call("GET", "/api/v1/sessions", token).json["items"]
    current = next(item["id"] for item in listed if item["current"])
    assert system.call("DELETE", f"/api/v1/sessions/{current}", other["access_token"]).status == 204
    time.sleep(3)
    # Each of the two replicas is asked, whichever the gateway chooses.
    answers = {system.call("GET", "/api/v1/orders", token).status for _ in range(10)}
    assert answers == {401}
    assert system.call("GET", "/api/v1/orders", other["access_token"]).status == 200


def test_a_refresh_token_works_once_at_whatever_replica(system: System) -> None:
    person = system.person()
    tokens = person.exchange(person.code("ada", PASSWORD)).json
    for _ in range(6):
        old, tokens = tokens, person.refresh(tokens["refresh_token"]).json
        assert system.call("GET", "/api/v1/orders", tokens["access_token"]).status == 200
    # Two tabs may refresh at once; with the next token, the one before the last is a copy.
    assert person.refresh(old["refresh_token"]).json["refresh_token"] == tokens["refresh_token"]
    tokens = person.refresh(tokens["refresh_token"]).json
    assert person.refresh(old["refresh_token"]).json["error"] == "invalid_grant"
    assert person.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_sessions_survive_a_restart(system: System) -> None:
    person = system.person()
    tokens = person.exchange(person.code("ada", PASSWORD)).json
    system.stack.restart("business_api", "redis", timeout=8)
    eventually(lambda: person.browser.send("GET", "/health").status == 200)
    eventually(lambda: system.call("GET", "/api/v1/orders", tokens["access_token"]).status == 200)
    refreshed = person.refresh(tokens["refresh_token"])
    assert refreshed.status == 200
    # And the browser need not log in again.
    assert query_of(person.browser.send("GET", person.address()))["state"] == "s-1"


@pytest.mark.full
def test_keys_are_rotated_without_a_refusal(system: System) -> None:
    before = system.log_in()["access_token"]
    old, following = system.call("GET", "/.well-known/jwks.json", None).json["keys"]
    assert system.make("rotate-keys").returncode == 0
    done = system.make("prod")
    assert done.returncode == 0, done.stderr
    after = system.log_in()["access_token"]
    kids = [key["kid"] for key in system.call("GET", "/.well-known/jwks.json", None).json["keys"]]
    assert kids[0] == following["kid"]
    assert kids[2] == old["kid"]
    assert [_header(token)["kid"] for token in (before, after)] == [old["kid"], following["kid"]]
    for token in (before, after):
        assert system.call("GET", "/api/v1/orders", token).status == 200


def _header(token: str) -> dict[str, str]:
    part = token.split(".")[0]
    header: dict[str, str] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


def test_a_machine_acts_with_the_roles_of_its_client(system: System) -> None:
    root = system.log_in()["access_token"]
    client = system.call(
        "POST", "/api/v1/clients", root, {"name": "robot", "roles": ["staff"]}
    ).json
    robot = system.person(client=client["id"])
    token = robot.token(grant_type="client_credentials", client_secret=client["secret"]).json
    assert system.call("GET", "/api/v1/orders", token["access_token"]).json["items"]
    wrong = robot.token(grant_type="client_credentials", client_secret="wrong")
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
    assert system.call("DELETE", f"/api/v1/clients/{client['id']}", root).status == 200
    time.sleep(3)
    assert system.call("GET", "/api/v1/orders", token["access_token"]).status == 401


def test_a_configuration_that_clients_find(system: System) -> None:
    found = system.call("GET", "/.well-known/openid-configuration", None).json
    assert found["issuer"] == system.issuer
    assert found["code_challenge_methods_supported"] == ["S256"]
    keys = system.call("GET", found["jwks_uri"].removeprefix(system.issuer), None).json["keys"]
    assert all("d" not in key and key["alg"] == "ES256" for key in keys)


def test_security_headers_are_there_once(system: System) -> None:
    done = subprocess.run(
        ["curl", "--silent", "--insecure", "--head", "--request", "GET", f"{system.issuer}/docs"],
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


def test_secrets_are_files_and_not_in_the_environment(system: System) -> None:
    env = (system.stack.project.path / ".env").read_text()
    secrets = [
        part
        for name in ("ISSUER_SIGNING_KEYS", "SERVICE_PRIVATE_KEY", "REDIS_PASSWORD")
        for part in re.findall(rf'^{name}="?([^"\n]+)"?$', env, re.MULTILINE)[-1].split()
    ]
    assert len(secrets) >= 4
    for service in ("business_api", "data_postgres_api", "redis"):
        inspected = json.dumps([each.attrs for each in system.stack.containers(service)])
        assert len(inspected) > 1000
        assert not [secret for secret in secrets if secret in inspected]


def test_what_holds_data_or_answers_clients_is_not_root(system: System) -> None:
    services = ("business_api", "data_postgres_api", "gateway", "postgres", "redis", "rabbitmq")
    for service in services:
        for container in system.stack.containers(service, ended=False):
            listed = container.top(ps_args="-eo uid,pid,comm")["Processes"]
            assert listed
            assert "0" not in {uid for uid, *_ in listed}, (service, listed)


def test_images_have_the_python_that_was_asked_for(system: System) -> None:
    for service in ("business_api", "data_postgres_api", "business_worker", "business_bot"):
        said = system.stack.execute(service, "python", "--version")
        assert said.startswith(f"Python {NEWEST}.")


def test_no_log_holds_a_secret(system: System) -> None:
    tokens = system.log_in()
    logs = "".join(system.stack.printed(service) for service in system.stack.services())
    for secret in (PASSWORD, *(str(tokens[k]) for k in ("access_token", "refresh_token"))):
        assert secret not in logs


def test_the_data_service_answers_nobody_else(system: System) -> None:
    ask = "import urllib.request as r; r.urlopen('http://data_postgres_api:8001/api/v1/orders')"
    with pytest.raises(AssertionError, match="401"):
        system.stack.execute("business_api", "python", "-c", ask)
    logged = "".join(system.stack.lines("data_postgres_api", tail=50))
    assert '"status":401' in logged


def test_the_audit_log_is_what_was_written_until_somebody_changes_it(system: System) -> None:
    root = system.log_in()["access_token"]
    placed = system.call("POST", "/api/v1/orders", root, ORDER).json["id"]
    newest = system.call("GET", "/api/v1/audit?limit=10", root).json["items"]
    mine = [item for item in newest if item["rows"] == [placed]]
    assert [(item["action"], item["entity"]) for item in mine] == [("row.created", "orders")]
    good = system.make("audit")
    assert good.returncode == 0
    assert good.stdout.startswith("The audit log is what was written")
    end = good.stdout.split()[-1]
    change = "UPDATE audit_log SET record = replace(record, 'row.', 'raw.') WHERE sequence = 1"
    with pytest.raises(AssertionError, match="append-only"):
        _sql(system, change)
    _sql(system, f"ALTER TABLE audit_log DISABLE TRIGGER ALL; {change}")
    bad = system.make("audit", f"END={end}")
    assert bad.returncode != 0
    assert "Record 1 is not what was written" in bad.stderr
    _sql(system, change.replace("'row.', 'raw.'", "'raw.', 'row.'"))


def _sql(system: System, statement: str) -> str:
    return system.stack.sql(statement)


def test_the_page_of_the_documentation_logs_in(system: System) -> None:
    def journey(browser: BrowserContext) -> None:
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{system.issuer}/docs")
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


def test_logging_out_in_a_browser(system: System) -> None:
    def journey(browser: BrowserContext) -> None:
        page = browser.new_page()
        person = system.person()
        page.goto(system.issuer + person.address())
        page.fill("#login", "ada")
        page.fill("#password", PASSWORD)
        page.click("button")
        page.wait_for_url("**/docs/oauth2-redirect**")
        page.goto(f"{system.issuer}/logout")
        page.click("button")
        assert page.inner_text("h1") == "Logged out"
        page.goto(system.issuer + person.address())
        assert page.inner_text("h1") == "Log in"

    browse(journey)


def test_a_request_is_one_trace_through_both_services_to_the_database(system: System) -> None:
    token = system.log_in()["access_token"]
    trace = uuid4().hex
    headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{trace}-{trace[:16]}-01"}
    answer = call(
        "POST", f"{system.issuer}/api/v1/orders", ORDER, headers=headers, context=system.context
    )
    assert answer.status == 201
    jaeger = system.stack.url("jaeger", 16686)
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
    # The events go on in the same trace, some time later.
    assert {span["service"] for span in spans} <= {
        "business_api", "business_bot", "business_worker", "data_postgres_api", "outbox_relay",
    }  # fmt: skip
    # Whatever the statements were about stays out of the traces.
    for secret in ("TEA-250", token, "4.50"):
        assert secret not in json.dumps(spans)
    for service in ("business_api", "data_postgres_api"):
        assert trace in system.stack.printed(service)


def test_logging_in_is_one_trace_with_redis_in_it_and_nobody_named(system: System) -> None:
    system.log_in()
    jaeger = system.stack.url("jaeger", 16686)
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


def test_a_collector_that_is_gone_slows_nobody(system: System) -> None:
    token = system.log_in()["access_token"]
    system.stack.pause("jaeger")
    try:
        start = time.monotonic()
        answers = {system.call("GET", "/api/v1/orders", token).status for _ in range(100)}
        assert answers == {200}
        # One export waits for ten seconds before it is given up.
        assert time.monotonic() - start < 9
    finally:
        system.stack.unpause("jaeger")


def _vault(system: System, method: str, path: str, body: object = None) -> Any:
    url = f"{system.stack.url('vault', 8200)}/v1/{path}"
    answer = call(method, url, body, headers={"X-Vault-Token": "root"})
    assert answer.status < 300, answer.text
    return answer.json["data"] if answer.text else None


def _from_vault(system: System, *settings: str) -> subprocess.CompletedProcess[str]:
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
    files = compose_files(system.stack.project.path, "prod")
    return subprocess.run(
        ["docker", "compose", *files, "run", "--rm", "--no-deps", "-T", *options,
         "data_postgres_api", "python", "-c", code],
        cwd=system.stack.project.path,
        env=outer_environment() | system.stack.environment,
        capture_output=True,
        text=True,
    )  # fmt: skip


def test_secrets_come_from_vault_with_a_lease_that_is_renewed(system: System) -> None:
    policy = 'path "secret/data/shop" { capabilities = ["read"] }'
    _vault(system, "POST", "sys/auth/approle", {"type": "approle"})
    _vault(system, "POST", "sys/policies/acl/shop", {"policy": policy})
    role = {"token_policies": "shop", "token_ttl": "3s", "token_max_ttl": "5s"}
    _vault(system, "POST", "auth/approle/role/shop", role)
    _vault(system, "POST", "secret/data/shop", {"data": {"POSTGRES_PASSWORD": "from-vault"}})
    role_id = _vault(system, "GET", "auth/approle/role/shop/role-id")["role_id"]
    secret_id = _vault(system, "POST", "auth/approle/role/shop/secret-id", {})["secret_id"]
    settings = ["VAULT_ADDR=http://vault:8200", f"VAULT_ROLE_ID={role_id}", "VAULT_PATH=shop"]
    done = _from_vault(system, *settings, f"VAULT_SECRET_ID={secret_id}")
    assert "from-vault" in done.stdout, done.stderr
    # The token may live for five seconds in all, so within eight it has to be another one.
    assert "logs in again" in done.stderr
    assert "cannot be renewed" not in done.stderr

    refused = _from_vault(system, *settings, "VAULT_SECRET_ID=wrong")
    assert refused.returncode != 0
    assert "Vault at http://vault:8200/ refuses" in refused.stderr
    assert "wrong" not in refused.stderr
    settings[0] = "VAULT_ADDR=http://nowhere:8200"
    gone = _from_vault(system, *settings, f"VAULT_SECRET_ID={secret_id}")
    assert "Vault at http://nowhere:8200/ cannot be reached" in gone.stderr
    assert "VAULT_ADDR needs" in _from_vault(system, settings[0]).stderr
