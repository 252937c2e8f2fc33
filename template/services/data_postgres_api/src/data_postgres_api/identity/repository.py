"""Users and OAuth clients in PostgreSQL."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Conflict, NotFound
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
from data_postgres_api.identity.models import ClientRow, UserRow


class IdentityRepository:
    """Reads and writes users and clients within the transaction of `session`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create_user(self, user_id: str, user: NewUser) -> User:
        """Store a user; raise `Conflict` when the id or the login is somebody else's.

        The caller makes the id, so the same user again is an answer that was lost.
        """
        row = UserRow(
            id=user_id,
            login=user.login,
            password_hash=user.password_hash,
            roles=list(user.roles),
            active=True,
        )
        stored = await self._store(
            row,
            beside=ClientRow,
            is_same=lambda other: other.password_hash == user.password_hash,
            taken="There is a user with this id or this login.",
        )
        return _to_user(stored)

    async def user(self, user_id: str) -> StoredUser:
        """Return a user, or raise `NotFound`."""
        return _to_stored_user(await self._user(user_id))

    async def user_of_login(self, login: str) -> StoredUser:
        """Return the user who logs in with `login`, or raise `NotFound`."""
        row = await self._session.scalar(select(UserRow).where(UserRow.login == login))
        if row is None:
            raise NotFound("There is no user of this login.")
        return _to_stored_user(row)

    async def users(self, limit: int, after: str | None) -> UserPage:
        """Return a part of the list of users, by login."""
        statement = select(UserRow).order_by(UserRow.login).limit(limit + 1)
        if after is not None:
            statement = statement.where(UserRow.login > after)
        rows = (await self._session.scalars(statement)).all()
        shown = rows[:limit]
        more = shown[-1].login if len(rows) > limit else None
        return UserPage(items=tuple(_to_user(row) for row in shown), next_login=more)

    async def change_user(self, user_id: str, change: UserChange) -> User:
        """Change a user, or raise `NotFound`."""
        row = await self._user(user_id)
        if change.roles is not None:
            row.roles = list(change.roles)
        if change.active is not None:
            row.active = change.active
        if change.password_hash is not None:
            row.password_hash = change.password_hash
        return _to_user(row)

    async def create_client(self, client_id: str, client: NewClient) -> OAuthClient:
        """Store a client; raise `Conflict` when the id is another client's."""
        row = ClientRow(
            id=client_id,
            name=client.name,
            secret_hash=client.secret_hash,
            redirect_uris=list(client.redirect_uris),
            roles=list(client.roles),
        )
        stored = await self._store(
            row,
            beside=UserRow,
            is_same=lambda other: (
                (other.name, other.secret_hash) == (client.name, client.secret_hash)
            ),
            taken="There is a client with this id.",
        )
        return _to_client(stored)

    async def client(self, client_id: str) -> StoredClient:
        """Return a client, or raise `NotFound`."""
        row = await self._client(client_id)
        return StoredClient(**dict(_to_client(row)), secret_hash=row.secret_hash)

    async def clients(self) -> ClientList:
        """Return all clients, by name."""
        rows = await self._session.scalars(select(ClientRow).order_by(ClientRow.name, ClientRow.id))
        return ClientList(items=tuple(_to_client(row) for row in rows))

    async def delete_client(self, client_id: str) -> OAuthClient:
        """Delete a client and return what it was, or raise `NotFound`."""
        row = await self._client(client_id)
        await self._session.delete(row)
        return _to_client(row)

    async def _store[Row: (UserRow, ClientRow)](
        self,
        row: Row,
        beside: type[UserRow | ClientRow],
        is_same: Callable[[Row], bool],
        taken: str,
    ) -> Row:
        """Store `row`, or return what its id stands for when that is the same already.

        Tokens name users and clients alike by their id, so one of the kind `beside` takes it too.
        """
        if await self._session.get(beside, row.id) is not None:
            raise Conflict(taken)
        try:
            async with self._session.begin_nested():
                self._session.add(row)
        except IntegrityError as error:
            stored = await self._session.get(type(row), row.id)
            if stored is None or not is_same(stored):
                raise Conflict(taken) from error
            return stored
        return row

    async def _user(self, user_id: str) -> UserRow:
        row = await self._session.get(UserRow, user_id)
        if row is None:
            raise NotFound(f"There is no user {user_id}.")
        return row

    async def _client(self, client_id: str) -> ClientRow:
        row = await self._session.get(ClientRow, client_id)
        if row is None:
            raise NotFound(f"There is no client {client_id}.")
        return row


def _to_user(row: UserRow) -> User:
    return User(
        id=row.id,
        login=row.login,
        roles=tuple(row.roles),
        active=row.active,
        created_at=row.created_at,
    )


def _to_stored_user(row: UserRow) -> StoredUser:
    return StoredUser(**dict(_to_user(row)), password_hash=row.password_hash)


def _to_client(row: ClientRow) -> OAuthClient:
    return OAuthClient(
        id=row.id,
        name=row.name,
        redirect_uris=tuple(row.redirect_uris),
        roles=tuple(row.roles),
        confidential=row.secret_hash is not None,
    )
