"""The pipelines of level 4: each step is a target of make, may do little, and is run by a test."""

import json
import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.stages import ROOT, TEMPLATE, Combination
from tests.support.matrix import RULES
from tests.support.project import render, start, the_end

PROVIDERS = RULES.providers(RULES.highest)

Steps = list[tuple[str, str]]


def workflows(folder: Path) -> dict[str, Any]:
    """The workflows of GitHub Actions, by the name of their file."""
    files = (folder / ".github/workflows").glob("*.yml")
    return {path.name: yaml.safe_load(path.read_text()) for path in files}


def jobs(folder: Path) -> dict[str, Any]:
    """The jobs of GitLab CI, with what they take from others."""
    found: dict[str, Any] = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())
    general = ("stages", "workflow", "default")
    listed = {name: job for name, job in found.items() if name not in general}
    return {
        name: listed.get(job.get("extends", ""), {}) | job
        for name, job in listed.items()
        if not name.startswith(".")
    }


# What comes from outside is looked at before make, which could expand it.
CHECK = re.compile(r'sh make/version\.sh "\$\w+"')


def steps(folder: Path, provider: str) -> Steps:
    """Each shell step of the pipelines but such checks, with the job that it is in."""
    if provider == "github":
        found = [
            (f"{file}: {name}", step["run"])
            for file, workflow in workflows(folder).items()
            for name, job in workflow["jobs"].items()
            for step in job.get("steps", [])
            if "run" in step
        ]
    else:
        keys = ("before_script", "script", "after_script")
        found = [
            (name, line)
            for name, job in jobs(folder).items()
            for key in keys
            for line in job.get(key, [])
        ]
    return [(name, line) for name, line in found if not CHECK.fullmatch(line)]


@pytest.fixture(scope="module", params=PROVIDERS)
def rendered(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    provider: str = request.param
    folder = tmp_path_factory.mktemp("pipelines") / provider
    return provider, render(folder, Combination(RULES.highest, ci_provider=provider))


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("pipelines") / "project"
    return workflows(render(folder, Combination(RULES.highest, ci_provider="github")))


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("pipelines") / "project"
    return jobs(render(folder, Combination(RULES.highest, ci_provider="gitlab")))


def targets(folder: Path) -> set[str]:
    files = [folder / "Makefile", *(folder / "make").glob("*.mk")]
    text = "\n".join(path.read_text() for path in files)
    return {name for line in re.findall(r"^\.PHONY: (.*)$", text, re.M) for name in line.split()}


def test_every_step_is_one_target_of_make(rendered: tuple[str, Path]) -> None:
    provider, folder = rendered
    found = steps(folder, provider)
    assert len(found) > 20
    for job, line in found:
        program, target, *variables = shlex.split(line)
        assert program == "make", f"{job}: {line}"
        assert target in targets(folder), f"{job}: {line}"
        assert all(re.match(r"[A-Z_]+=", variable) for variable in variables), f"{job}: {line}"
        # What comes from outside is a word of its own, never a part of the command.
        assert "${{" not in line, f"{job}: {line}"
        assert all(f'"${name}"' in line for name in re.findall(r"\$(\w+)", line)), f"{job}: {line}"


def test_both_providers_run_the_same(tmp_path: Path) -> None:
    called = []
    for provider in PROVIDERS:
        folder = render(tmp_path / provider, Combination(RULES.highest, ci_provider=provider))
        called.append({line.split()[1] for _, line in steps(folder, provider)})
    assert called[0] == called[1]


STACKS = ROOT / "tests/stacks"
# Where the targets are run that no gate of "make verify" runs.
ELSEWHERE = {
    "registry-login": "under_load/test_rollout.py",
    "push": "under_load/test_rollout.py",
    "deploy": "under_load/test_rollout.py",
    "deploy-back": "under_load/test_rollout.py",
    "discard": "under_load/test_performance.py",
}

STEPS = ("unit", "integration", "secret-scan", "images", "image-scan", "sbom")


def test_every_target_of_the_pipelines_is_run_by_a_test(rendered: tuple[str, Path]) -> None:
    provider, folder = rendered
    gates = tomllib.loads((folder / "make/gates.toml").read_text())["gate"]
    verified = {command[1] for gate in gates for command in gate["run"] if command[0] == "make"}
    for target, file in ELSEWHERE.items():
        assert f'"{target}"' in (STACKS / file).read_text(), f"{file} does not run {target}"
    steps_run = (STACKS / "test_pipeline_steps.py").read_text()
    assert [name for name in STEPS if f'make("{name}"' not in steps_run] == []
    called = {line.split()[1] for _, line in steps(folder, provider)}
    assert called - verified - set(STEPS) - set(ELSEWHERE) == set()


def test_actions_are_named_by_their_commit(github: dict[str, Any]) -> None:
    used = [
        step["uses"]
        for workflow in github.values()
        for job in workflow["jobs"].values()
        for step in job.get("steps", [])
        if "uses" in step
    ]
    assert len(used) > 10
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []


def test_jobs_may_do_no_more_than_they_need(github: dict[str, Any]) -> None:
    for file, workflow in github.items():
        assert workflow["permissions"] == {}, file
        for name, job in workflow["jobs"].items():
            more = {"packages": "write"} if (file, name) == ("deploy.yml", "images") else {}
            assert job["permissions"] == {"contents": "read"} | more, f"{file}: {name}"
            deploys = "environment" in job
            secrets = "secrets.DEPLOY" in json.dumps(job)
            assert secrets == deploys, f"{file}: {name}"
            assert "steps" not in job or "timeout-minutes" in job, f"{file}: {name}"


def test_a_version_passes_everything_on_its_way_with_github(github: dict[str, Any]) -> None:
    deploy = github["deploy.yml"]
    # YAML 1.1 takes the key "on" for true where it is not quoted.
    assert deploy["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}
    assert deploy["concurrency"]["cancel-in-progress"] is False
    order = {name: job.get("needs") for name, job in deploy["jobs"].items()}
    assert order == {
        "tests": None,
        "security": None,
        "images": ["tests", "security"],
        "staging": "images",
        "production": "staging",
    }
    assert deploy["jobs"]["tests"]["uses"].endswith("/ci.yml")
    assert deploy["jobs"]["security"]["uses"].endswith("/security.yml")
    assert deploy["jobs"]["production"]["environment"] == "production"
    assert "'-'" in deploy["jobs"]["production"]["if"], "a version to try ends at staging"


def test_a_version_passes_everything_on_its_way_with_gitlab(gitlab: dict[str, Any]) -> None:
    order = ["test", "security", "images", "staging", "production"]
    stages = {name: job["stage"] for name, job in gitlab.items()}
    for earlier, later in pairwise(order):
        assert earlier in stages.values()
        # A job without "needs" waits for all the stages before its own.
        for name, stage in stages.items():
            if stage == later and later not in ("test", "security"):
                assert "needs" not in gitlab[name]
    production = gitlab["production"]
    assert production["environment"]["name"] == "production"
    (rule,) = [each for each in production["rules"] if "CI_COMMIT_TAG" in each["if"]]
    assert rule["when"] == "manual"
    assert rule["if"].endswith(r"\d+$/"), "a version to try ends at staging"
    for name in ("staging", "production"):
        assert gitlab[name]["resource_group"] == name
        assert gitlab[name]["interruptible"] is False


def test_no_job_of_a_version_runs_when_one_is_taken_back(gitlab: dict[str, Any]) -> None:
    for name, job in gitlab.items():
        first = job["rules"][0]
        assert first["if"] == "$ROLLBACK_TO", name
        assert first["when"] == ("manual" if name.startswith("rollback") else "never"), name


def test_images_are_scanned_before_they_are_pushed(rendered: tuple[str, Path]) -> None:
    provider, folder = rendered
    job = "deploy.yml: images" if provider == "github" else "images"
    called = [line.split()[1] for name, line in steps(folder, provider) if name == job]
    assert called == ["images", "image-scan", "sbom", "registry-login", "push"]


BROKEN = {
    "github": [
        (".github/workflows/ci.yml", "  contents: read", "  contents: write-all", "write-all"),
        (
            ".github/workflows/ci.yml",
            "make lint\n",
            'make lint "${{ github.head_ref }}"\n',
            "template",
        ),
        (".github/workflows/ci.yml", "persist-credentials: false", "fetch-depth: 1", "credential"),
    ],
    "gitlab": [(".gitlab-ci.yml", "stage: test\n", "stages: test\n", "stages")],
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_make_pipelines_sees_what_is_wrong(tmp_path: Path, provider: str) -> None:
    project = start(tmp_path / "project", Combination(RULES.highest, ci_provider=provider))
    project.make("pipelines")
    for path, old, new, reason in BROKEN[provider]:
        text = project.read(path)
        assert old in text
        project.write(path, text.replace(old, new, 1))
        done = project.make("pipelines", check=False)
        assert done.returncode != 0
        assert reason in done.stdout + done.stderr, the_end(done)
        project.write(path, text)


def test_scanners_are_pinned_by_digest() -> None:
    text = (TEMPLATE / "make/scans.mk").read_text()
    images = dict(re.findall(r"^(\w+) = (\S+/\S+)$", text, re.MULTILINE))
    assert images.keys() == {"GITLEAKS", "TRIVY"}
    for image in images.values():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", image), image
