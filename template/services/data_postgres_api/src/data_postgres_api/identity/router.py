"""The routes of the data service for users and OAuth clients; only other services call them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from contracts.identity import (
    ClientList,
    Login,
    NewClient,
    NewUser,
    OAuthClient,
    StoredClient,
    StoredUser,
    SubjectId,
    User,
    UserChange,
    UserPage,
)
from data_postgres_api.database import Session
from data_postgres_api.identity.repository import IdentityRepository
from data_postgres_api.standby import from_primary

# Who may do what is decided by these rows: a user who was blocked is blocked now.
router = APIRouter(
    prefix="/api/v1/identity", tags=["identity"], dependencies=[Depends(from_primary)]
)


async def _repository(session: Session) -> IdentityRepository:
    return IdentityRepository(session)


Repository = Annotated[IdentityRepository, Depends(_repository)]


@router.get("/users")
async def list_users(
    identity: Repository,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Login | None = None,
) -> UserPage:
    """List users by login."""
    return await identity.users(limit, after)


@router.put("/users/{user_id}", status_code=201)
async def create_user(user_id: SubjectId, user: NewUser, identity: Repository) -> User:
    """Store a user under an id that the caller made."""
    return await identity.create_user(user_id, user)


@router.get("/users/{user_id}")
async def get_user(user_id: SubjectId, identity: Repository) -> StoredUser:
    """Return one user, with the hash of the password."""
    return await identity.user(user_id)


@router.patch("/users/{user_id}")
async def change_user(user_id: SubjectId, change: UserChange, identity: Repository) -> User:
    """Change roles, password, or whether the user may log in."""
    return await identity.change_user(user_id, change)


@router.get("/logins")
async def get_user_of_login(login: Login, identity: Repository) -> StoredUser:
    """Return the user of this login, with the hash of the password; a path would be logged."""
    return await identity.user_of_login(login)


@router.get("/clients")
async def list_clients(identity: Repository) -> ClientList:
    """List all clients."""
    return await identity.clients()


@router.put("/clients/{client_id}", status_code=201)
async def create_client(
    client_id: SubjectId, client: NewClient, identity: Repository
) -> OAuthClient:
    """Store a client under an id that the caller made."""
    return await identity.create_client(client_id, client)


@router.get("/clients/{client_id}")
async def get_client(client_id: SubjectId, identity: Repository) -> StoredClient:
    """Return one client, with the hash of its secret."""
    return await identity.client(client_id)


@router.delete("/clients/{client_id}")
async def delete_client(client_id: SubjectId, identity: Repository) -> OAuthClient:
    """Delete a client, and return what it was."""
    return await identity.delete_client(client_id)
