"""The way up and back of a team's own route: guarded from level 4 on, and only there."""

from pathlib import Path

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker, stack
from tests.support.edge import ORDER
from tests.support.http import call, eventually
from tests.support.project import start

OURS = """

@app.get("/hello/{name}")
async def hello(name: str) -> str:
    return name
"""


def test_a_token_that_cannot_be_made_makes_no_header(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "shop", Combination(4))
    project.make("env")
    with stack(project) as running:
        done = project.make("auth-header", check=False, environment=running.environment)
    assert done.returncode != 0
    assert "Bearer" not in done.stdout


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
        standby = "SELECT id, pg_is_in_recovery() FROM orders"
        eventually(lambda: running.sql(standby, "postgres_standby") == f"{order['id']}|t")

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
