"""Users, clients and the audit log in the data service."""

from chassis.client import ServiceClient
from contracts.audit import AuditAppended, AuditEvent, AuditEvents, AuditPage
from contracts.identity import (
    ClientList,
    NewClient,
    NewUser,
    OAuthClient,
    StoredClient,
    StoredUser,
    User,
    UserChange,
    UserPage,
)

PATH = "/api/v1/identity"
AUDIT = "/api/v1/audit"


class IdentityGateway:
    """Keeps users and clients in the data service; raises what `ServiceClient` raises."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def user(self, user_id: str) -> StoredUser:
        return await self._client.call("GET", f"{PATH}/users/{user_id}", StoredUser)

    async def user_of_login(self, login: str) -> StoredUser:
        return await self._client.call("GET", f"{PATH}/logins", StoredUser, params={"login": login})

    async def users(self, limit: int, after: str | None) -> UserPage:
        params: dict[str, str | int] = {"limit": limit}
        if after is not None:
            params["after"] = after
        return await self._client.call("GET", f"{PATH}/users", UserPage, params=params)

    async def create_user(self, user_id: str, user: NewUser) -> User:
        return await self._client.call("PUT", f"{PATH}/users/{user_id}", User, body=user)

    async def change_user(self, user_id: str, change: UserChange) -> User:
        return await self._client.call("PATCH", f"{PATH}/users/{user_id}", User, body=change)

    async def client(self, client_id: str) -> StoredClient:
        return await self._client.call("GET", f"{PATH}/clients/{client_id}", StoredClient)

    async def clients(self) -> ClientList:
        return await self._client.call("GET", f"{PATH}/clients", ClientList)

    async def create_client(self, client_id: str, client: NewClient) -> OAuthClient:
        return await self._client.call(
            "PUT", f"{PATH}/clients/{client_id}", OAuthClient, body=client
        )

    async def delete_client(self, client_id: str) -> OAuthClient:
        return await self._client.call("DELETE", f"{PATH}/clients/{client_id}", OAuthClient)


class AuditGateway:
    """The audit log in the data service."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def append(self, *events: AuditEvent) -> None:
        """Keep events before anything follows from them; raise when they cannot be kept."""
        await self._client.call("POST", AUDIT, AuditAppended, body=AuditEvents(events=events))

    async def page(self, limit: int, before: int | None) -> AuditPage:
        params: dict[str, str | int] = {"limit": limit}
        if before is not None:
            params["before"] = before
        return await self._client.call("GET", AUDIT, AuditPage, params=params)
