"""What the steps of the pipelines do that no gate of `make verify` runs."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from extensions.stages import TEMPLATE, Combination
from tests.support.docker import remove_images, require_docker
from tests.support.matrix import RULES
from tests.support.project import Project, outer_environment, start


def scanners() -> list[tuple[str, str]]:
    """The scanners by their tags: a stand-in for an image has another digest."""
    text = (TEMPLATE / "make/scans.mk").read_text()
    return re.findall(r"^(\w+) = (\S+?)@sha256:[0-9a-f]{64}$", text, re.MULTILINE)


SCANNERS = [f"{name}={image}" for name, image in scanners()]
SCANNED = [*SCANNERS, "VERSION=0.0.1", "SCANNERS=secret"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    require_docker()
    made = start(tmp_path_factory.mktemp("steps") / "shop", Combination(RULES.highest))
    made.make("setup")
    made.commit("The lock")
    yield made
    remove_images("shop-steps/*")


def test_parts_of_the_suite_run_alone(project: Project) -> None:
    few = {"PYTEST_ADDOPTS": "-k order"}  # all of it make verify runs
    assert re.search(r"\d{2,} passed", project.make("unit", environment=few).stdout)
    done = project.make("integration", environment={"PYTEST_ADDOPTS": "--collect-only --quiet"})
    assert "tests/chaos" in done.stdout
    assert "tests/unit" not in done.stdout
    assert "tests/service/" not in done.stdout


def test_a_secret_in_a_commit_is_found_even_when_it_is_gone(project: Project) -> None:
    project.make("secret-scan", *SCANNERS)
    key = "".join(("AKIA", "Z7QKD3WNJ5TQ", "R4ML"))
    project.write("notes.txt", f"aws_access_key_id = {key}\n")
    project.commit("A mistake")
    project.git("rm", "--quiet", "notes.txt")
    project.commit("Gone")
    try:
        done = project.make("secret-scan", *SCANNERS, check=False)
        assert done.returncode != 0
        assert "notes.txt" in done.stdout
        assert key not in done.stdout, "what is found is not shown"
    finally:
        project.git("reset", "--quiet", "--hard", "HEAD~2")


@pytest.mark.full
def test_images_are_listed_and_looked_through(project: Project) -> None:
    """Trivy's data about holes cannot be had everywhere, so it looks for secrets alone."""
    environment = {"IMAGES": "shop-steps"}
    project.make("images", "VERSION=0.0.1", environment=environment)
    project.make("image-scan", *SCANNED, environment=environment)
    project.make("sbom", *SCANNED, environment=environment)
    for service in ("business_api", "data_postgres_api", "postgres", "backup"):
        bill = json.loads(project.read(f"reports/sbom-{service}.cdx.json"))
        assert bill["bomFormat"] == "CycloneDX"
        named = {component["name"] for component in bill["components"]}
        assert ("fastapi" in named) == service.endswith("_api")

    image = "shop-steps/business_api:0.0.1"
    key = subprocess.run(
        ["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True, text=True
    ).stdout
    project.write("leak/Dockerfile", f"FROM {image}\nCOPY key.pem /app/key.pem\n")
    project.write("leak/key.pem", key)
    build = ["docker", "build", "--quiet", "--tag", image, "leak"]
    subprocess.run(
        build, cwd=project.path, check=True, env=outer_environment(), capture_output=True
    )
    done = project.make("image-scan", *SCANNED, environment=environment, check=False)
    assert done.returncode != 0
    assert "/app/key.pem" in done.stdout
    assert "nothing is to be shipped" in done.stderr


def test_an_image_that_is_not_there_is_not_taken_for_a_clean_one(project: Project) -> None:
    done = project.make("image-scan", "VERSION=9.9.9", "SCANNERS=secret", check=False)
    assert done.returncode != 0
    assert "make images VERSION=9.9.9" in done.stderr
