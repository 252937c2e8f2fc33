"""Secrets from Vault, kept readable by a lease, and from files; what is wrong shows none."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from requests.exceptions import RequestException

from chassis.settings import SettingsError, read_settings
from chassis.vault import VaultSettings, VaultUnavailable, vault_secrets
from chassis.vault_client import read_vault

GIVEN = "the-secret-id"
# Nobody ends the renewal of what a process has read, so it is not to begin within these tests.
DAY = 86_400


class Vault:
    """A server that speaks the part of Vault's HTTP API that services use."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.renewable = True
        self.knows_token = True
        self.lease_seconds = 1
        self.logged_in_again = threading.Event()
        self.renewed = threading.Event()
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vault.asked.append(self.path)
                if self.headers["X-Vault-Token"] != "token-1":
                    self.answer(403, {"errors": ["permission denied"]})
                elif self.path == "/v1/secret/data/app":
                    data = {"THING_PASSWORD": "from vault", "OTHER": "x"}
                    self.answer(200, {"data": {"data": data, "metadata": {}}})
                else:
                    self.answer(404, {"errors": []})

            def do_POST(self) -> None:
                vault.asked.append(self.path)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
                auth = {
                    "client_token": "token-1",
                    "lease_duration": vault.lease_seconds,
                    "renewable": vault.renewable,
                }
                if self.path == "/v1/auth/approle/login":
                    if body != {"role_id": "app", "secret_id": GIVEN}:
                        self.answer(400, {"errors": ["invalid role or secret ID"]})
                        return
                    if vault.asked.count(self.path) > 1:
                        vault.logged_in_again.set()
                    self.answer(200, {"auth": auth})
                elif vault.knows_token:
                    vault.renewed.set()
                    self.answer(200, {"auth": auth})
                else:
                    self.answer(403, {"errors": ["permission denied"]})

            def answer(self, status: int, content: dict[str, object]) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """A Vault to which the environment points."""
    served = Vault()
    thread = threading.Thread(target=served.server.serve_forever, args=(0.01,))
    thread.start()
    for name, value in {
        "ADDR": served.url,
        "ROLE_ID": "app",
        "SECRET_ID": GIVEN,
        "PATH": "app",
    }.items():
        monkeypatch.setenv(f"VAULT_{name}", value)
    vault_secrets.cache_clear()
    yield served
    vault_secrets.cache_clear()
    served.server.shutdown()
    served.server.server_close()
    thread.join()


class ThingSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="THING_")

    password: SecretStr
    port: int = 1


def test_a_secret_takes_the_place_of_the_variable(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.lease_seconds = DAY
    monkeypatch.setenv("THING_PASSWORD", "from the environment")
    monkeypatch.setenv("THING_PORT", "5")
    settings = read_settings(ThingSettings)
    assert settings.password.get_secret_value() == "from vault"
    assert settings.port == 5
    read_settings(ThingSettings)
    assert vault.asked.count("/v1/secret/data/app") == 1


def test_without_an_address_nobody_is_asked(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "")
    monkeypatch.setenv("THING_PASSWORD", "from the environment")
    assert read_settings(ThingSettings).password.get_secret_value() == "from the environment"
    assert vault.asked == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("VAULT_PATH", "", "VAULT_ADDR needs VAULT_ROLE_ID, VAULT_SECRET_ID and VAULT_PATH"),
        ("VAULT_SECRET_ID", "a-wrong-one", "refuses: InvalidRequest"),
        ("VAULT_PATH", "another", "refuses: InvalidPath"),
        ("VAULT_ADDR", "http://127.0.0.1:1", "cannot be reached"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message) as caught:
        read_settings(ThingSettings)
    assert GIVEN not in str(caught.value)
    assert "a-wrong-one" not in str(caught.value)


def test_the_lease_is_renewed_before_it_ends(vault: Vault) -> None:
    _, end = read_vault(VaultSettings())
    assert vault.renewed.wait(10)
    assert not vault.logged_in_again.is_set()
    end()


@pytest.mark.parametrize("flaw", ["renewable", "knows_token"])
def test_a_token_that_cannot_be_renewed_is_replaced(vault: Vault, flaw: str) -> None:
    setattr(vault, flaw, False)
    _, end = read_vault(VaultSettings())
    assert vault.logged_in_again.wait(10)
    end()


def test_a_vault_that_goes_away_later_ends_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("chassis.vault_client.RETRY_SECONDS", 0.5)
    with caplog.at_level("INFO", "chassis.vault_client"):
        _, end = read_vault(VaultSettings())
        monkeypatch.setattr("hvac.adapters.RawAdapter.request", _away)
        monkeypatch.setattr("hvac.adapters.JSONAdapter.request", _away)
        for _ in range(100):
            if "cannot be renewed" in caplog.text:
                break
            threading.Event().wait(0.1)
        monkeypatch.undo()
        assert "cannot be renewed" in caplog.text
        vault.renewed.clear()
        assert vault.renewed.wait(10)
    end()


def _away(*_: object, **__: object) -> None:
    raise RequestException


def test_half_a_configuration_is_refused() -> None:
    with pytest.raises(VaultUnavailable):
        read_vault(VaultSettings(role_id="", path="x"))


# --- Files ---------------------------------------------------------------------------------------


def test_a_folder_of_an_agent_goes_before_the_one_of_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker, agent = tmp_path / "docker", tmp_path / "agent"
    for folder, text in ((docker, "of docker"), (agent, "of the agent")):
        folder.mkdir()
        (folder / "thing_password").write_text(text)
    monkeypatch.setattr("chassis.settings.SECRETS", docker)
    assert read_settings(ThingSettings).password.get_secret_value() == "of docker"
    monkeypatch.setenv("SECRETS_DIR", str(agent))
    assert read_settings(ThingSettings).password.get_secret_value() == "of the agent"
    monkeypatch.setenv("THING_PASSWORD", "of the environment")
    assert read_settings(ThingSettings).password.get_secret_value() == "of the environment"


def test_vault_goes_before_files(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.lease_seconds = DAY
    (tmp_path / "thing_password").write_text("of a file")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    assert read_settings(ThingSettings).password.get_secret_value() == "from vault"


def test_a_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_DIR", "/no/such/folder")
    with pytest.raises(SettingsError, match="SECRETS_DIR: there is no folder /no/such/folder"):
        read_settings(ThingSettings)
