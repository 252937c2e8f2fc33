"""Two folders whose projects have one name do not share containers, volumes or passwords."""

import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker
from tests.support.project import Project, start

# As a user has it: the name comes from .env or docker-compose.yml.
BY_ITS_NAME = {"COMPOSE_PROJECT_NAME": ""}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of which no other folder has the name."""
    require_docker()
    name = f"Shop {uuid4().hex[:8]}"
    return start(tmp_path / "project", Combination(1), {"project_name": name})


def name_of(project: Project) -> str:
    return project.read("docker-compose.yml").removeprefix("name: ").splitlines()[0]


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_database_whose_password_nobody_here_knows_is_left_alone(project: Project) -> None:
    volume = f"{name_of(project)}_postgres_data"
    docker("volume", "create", volume)
    try:
        done = project.make("env", check=False, environment=BY_ITS_NAME)
        assert done.returncode != 0
        assert f"docker volume rm {volume}" in done.stderr
        assert f"COMPOSE_PROJECT_NAME={name_of(project)}-2" in done.stderr
        assert not (project.path / ".env").exists()
        project.write(".env", "COMPOSE_PROJECT_NAME=another\n")
        project.make("env", environment=BY_ITS_NAME)
        # The password that goes with the volume may be brought along.
        project.write(".env", "POSTGRES_PASSWORD=the-old-one\n")
        project.make("env", environment=BY_ITS_NAME)
        assert "POSTGRES_PASSWORD=the-old-one\n" in project.read(".env")
    finally:
        docker("volume", "rm", volume)


def test_containers_of_another_folder_are_noticed(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    labels = {"project": name_of(project), "project.working_dir": str(elsewhere)}
    given = [f"--label=com.docker.compose.{key}={value}" for key, value in labels.items()]
    container = docker("create", *given, "redis:8")
    try:
        done = project.make("up", check=False, environment=BY_ITS_NAME)
        assert done.returncode != 0
        assert f"The folder {elsewhere} has a project named" in done.stderr
        project.make("env", environment={"COMPOSE_PROJECT_NAME": "another"})
        # A folder that is gone, such as one that was renamed, is no other project.
        elsewhere.rmdir()
        project.make("env", environment=BY_ITS_NAME)
    finally:
        docker("rm", container)
