"""Who may use notes: the business service with the lines of its policy for them."""

from fastapi import FastAPI

from chassis.security.policy import Policy, Role
from tests.notes import PATH
from tests.notes.business import app as app

ROUTES = {
    f"POST {PATH}": "test_notes:write",
    f"GET {PATH}": "test_notes:read",
    f"GET {PATH}/{{note_id}}": "test_notes:read",
    f"POST {PATH}/{{note_id}}/close": "test_notes:close",
}
ROLES = {
    "test_author": (Role(own=frozenset({"test_notes:write", "test_notes:read"})),),
    "test_keeper": (Role(all=frozenset({"test_notes:read", "test_notes:close"})),),
    # Of people for whom the bot calls.
    "bot_user": (Role(all=frozenset({"test_notes:read", "test_notes:close"})),),
    "bot_reader": (Role(all=frozenset({"test_notes:read"})),),
}


def permit(app: FastAPI) -> None:
    """Name the routes and the roles of notes in the policy."""
    policy: Policy = app.state.policy
    roles = {name: (*policy.roles.get(name, ()), *more) for name, more in ROLES.items()}
    app.state.policy = Policy({**policy.routes, **ROUTES}, {**policy.roles, **roles})


permit(app)
