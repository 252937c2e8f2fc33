"""Settings, keys, secrets and certificates: what make writes into a project, without containers."""

import re
import subprocess
from pathlib import Path

from extensions.stages import Combination
from tests.support.commands import IDENTITY
from tests.support.project import outer_environment, start


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


def test_secrets_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(3))
    project.write(
        ".env",
        "export POSTGRES_PASSWORD='a $b'\r\nGRAFANA_PASSWORD=c # of mine\n"
        'GATEWAY_HOSTS="localhost"\n',
    )
    project.make("secrets", "certs")
    assert project.read("secrets/postgres_password") == "a $b"
    assert project.read("secrets/grafana_password") == "c"
    assert project.read("certs/names") == "DNS:localhost"
    project.write(".env", "POSTGRES_PASSWORD=\nGRAFANA_PASSWORD=x\n")
    done = project.make("secrets", check=False)
    assert "POSTGRES_PASSWORD has no value" in done.stderr
    project.write(".env", "POSTGRES_PASSWORD=a$b\nGRAFANA_PASSWORD=x\n")
    done = project.make("secrets", check=False)
    assert "in single quotes" in done.stderr


TEAMS = """\
services:
  parcels:
    image: registry.example/parcels:1
    secrets: [parcels_key]
secrets:
  parcels_key:
    file: secrets/parcels_key
"""


def test_a_service_of_the_team_brings_its_part_of_production(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(3))
    project.write("services/parcels/compose.prod.yml", TEAMS)
    files = project.make("--silent", "files", "FOR=prod").stdout.strip().split(":")
    assert files == [
        "docker-compose.yml",
        "docker-compose.prod.yml",
        "services/parcels/compose.prod.yml",
    ]
    assert project.make("--silent", "files").stdout.strip() == "docker-compose.yml"
    done = project.make("secrets", check=False)
    assert "PARCELS_KEY has no value in .env." in done.stderr
    project.append(".env", "PARCELS_KEY=of-ours\n")
    project.make("secrets")
    assert project.read("secrets/parcels_key") == "of-ours"


def test_a_certificate_of_somebody_else_is_kept(tmp_path: Path) -> None:
    project = start(tmp_path / "shop", Combination(3))
    project.make("certs")
    certificate = project.path / "certs/fullchain.pem"
    before = certificate.read_bytes()
    project.make("certs")
    assert certificate.read_bytes() == before, "it is still good"
    signed = project.path / "certs/signed.pem"
    commands = f"""
    openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=ca -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=shop -keyout shop.key -out shop.csr
    openssl x509 -req -in shop.csr -CA ca.pem -CAkey ca.key -days 2 -out {signed}
    """
    subprocess.run(
        ["sh", "-ec", commands], cwd=project.path / "certs", check=True, capture_output=True
    )
    certificate.write_bytes(signed.read_bytes())
    project.make("certs")
    assert certificate.read_bytes() == signed.read_bytes()


def test_env_is_completed_and_never_changed(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(1))
    project.write(".env", "# mine\nBUSINESS_API_PORT=9000\nexport DATA_API_PORT=9001\nOWN=a=b")
    project.make("env")
    lines = project.read(".env").splitlines()
    assert lines[:4] == ["# mine", "BUSINESS_API_PORT=9000", "export DATA_API_PORT=9001", "OWN=a=b"]
    (secret,) = lines[4:]
    assert re.fullmatch(r"POSTGRES_PASSWORD=[0-9a-f]{48}", secret)
    project.make("env")
    assert project.read(".env").splitlines() == lines
    project.commit("env is ignored")
    project.move(Combination(2))
    project.make("env")
    assert project.read(".env").splitlines()[:5] == lines
    assert "SENTRY_DSN=" in project.read(".env")


def test_two_projects_have_different_secrets(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        project = start(tmp_path / name, Combination(1))
        project.make("env")
        secrets.add(project.read(".env"))
    assert len(secrets) == 2


def test_the_hooks_pass_on_a_fresh_project_and_refuse_conflict_markers(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(2))
    project.make("hooks")
    project.append("README.md", "One line more.\n")
    project.git("add", "README.md")
    commit = ["git", "commit", "--quiet", "--message", "An edit"]
    environment = outer_environment() | IDENTITY

    def committed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            commit, cwd=project.path, env=environment, capture_output=True, text=True
        )

    done = committed()
    assert done.returncode == 0, done.stdout + done.stderr
    project.append("README.md", "<<<<<<< before updating\nours\n")
    project.git("add", "README.md")
    done = committed()
    assert done.returncode != 0
    assert "no conflict markers" in done.stdout + done.stderr
