"""Reads secrets from Vault and renews the lease, with hvac (imported only with a Vault)."""

import logging
import threading
from collections.abc import Callable, Mapping

import hvac
from hvac.exceptions import VaultError
from requests.exceptions import RequestException

from chassis.vault import VaultSettings, VaultUnavailable

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5
# A lease is renewed when this part of it is over.
RENEW_AFTER = 2 / 3
RETRY_SECONDS = 10.0


class Lease:
    """A login whose token is renewed in the background for as long as the process lives."""

    def __init__(self, client: hvac.Client, settings: VaultSettings) -> None:
        self._client = client
        self._settings = settings
        self._ended = threading.Event()

    def log_in(self) -> float:
        """Log in again and return the lifetime of the token in seconds."""
        answer = self._client.auth.approle.login(
            self._settings.role_id, self._settings.secret_id.get_secret_value()
        )
        return float(answer["auth"]["lease_duration"])

    def renew(self) -> float:
        """Renew the token, or log in again, and return its lifetime in seconds."""
        try:
            auth = self._client.auth.token.renew_self()["auth"]
            if auth["renewable"] and auth["lease_duration"] > 0:
                return float(auth["lease_duration"])
        except VaultError as error:
            log.info(
                "the Vault token is not renewed, so this logs in again: %s", type(error).__name__
            )
        return self.log_in()

    def keep(self, seconds: float) -> None:
        """Renew again and again, until the process ends."""
        wait = seconds * RENEW_AFTER
        while not self._ended.wait(max(1.0, wait)):
            try:
                wait = self.renew() * RENEW_AFTER
            except (VaultError, RequestException) as error:
                log.warning("the lease at Vault cannot be renewed: %s", type(error).__name__)
                wait = RETRY_SECONDS

    def end(self) -> None:
        """Stop renewing."""
        self._ended.set()


def read_vault(settings: VaultSettings) -> tuple[Mapping[str, str], Callable[[], None]]:
    """Return the secrets by lower-case name, and a function that stops the renewal.

    Raises `VaultUnavailable` when Vault refuses, cannot be reached or is configured in part.
    """
    if not (settings.role_id and settings.secret_id.get_secret_value() and settings.path):
        raise VaultUnavailable("VAULT_ADDR needs VAULT_ROLE_ID, VAULT_SECRET_ID and VAULT_PATH too")
    verify: bool | str = True
    if settings.ca_certificate is not None:
        verify = str(settings.ca_certificate)
    client = hvac.Client(url=str(settings.addr), timeout=TIMEOUT_SECONDS, verify=verify)
    lease = Lease(client, settings)
    where = f"Vault at {settings.addr}"
    try:
        seconds = lease.log_in()
        answer = client.secrets.kv.v2.read_secret_version(
            settings.path, mount_point=settings.mount, raise_on_deleted_version=True
        )
    except VaultError as error:
        raise VaultUnavailable(f"{where} refuses: {type(error).__name__}") from None
    except RequestException as error:
        raise VaultUnavailable(f"{where} cannot be reached: {type(error).__name__}") from None
    threading.Thread(target=lease.keep, args=(seconds,), name="vault", daemon=True).start()
    secrets = {name.lower(): str(value) for name, value in answer["data"]["data"].items()}
    log.info("read %d secrets from %s", len(secrets), where)
    return secrets, lease.end
