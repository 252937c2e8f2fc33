"""What `make monitoring` and `make secrets` say, with the programs of the project's images."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.stages import Combination
from tests.support.alerts import RECEIVER_SECRETS, rule_files
from tests.support.docker import Stack, require_docker, stack
from tests.support.matrix import ALL
from tests.support.project import Project, outer_environment, start

RECEIVER_OF = {
    "ALERT_PAGERDUTY_KEY": ("page", "pagerduty_configs", "routing_key_file"),
    "ALERT_PAGE_WEBHOOK": ("page", "webhook_configs", "url_file"),
    "ALERT_SLACK_URL": ("ticket", "slack_configs", "api_url_file"),
    "ALERT_TICKET_WEBHOOK": ("ticket", "webhook_configs", "url_file"),
    "ALERT_HEARTBEAT_URL": ("heartbeat", "webhook_configs", "url_file"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A level 4 project that does not run."""
    found = start(tmp_path_factory.mktemp("files") / "shop", Combination(4, ALL))
    found.write(".env", "".join(f"{port}=0\n" for port in ("ALERTMANAGER_PORT", "PROMETHEUS_PORT")))
    found.make("env")
    return found


@pytest.fixture(scope="module")
def tools(project: Project) -> Iterator[Stack]:
    """What runs a single tool of the project's images, and nothing else."""
    with stack(project) as running:
        yield running


def composed(tools: Stack, *secrets: str) -> tuple[dict[str, Any], str]:
    """Alertmanager's configuration as it starts with these secrets, and what is said about it."""
    options = [part for name in secrets for part in ("--env", f"{name}={RECEIVER_SECRETS[name]}")]
    script = "sh /etc/alertmanager/start.sh check >&2 && cat /tmp/alertmanager.yml"
    run = ["docker", "compose", "run", "--rm", "--no-deps", "-T", *options]
    done = subprocess.run(
        [*run, "--entrypoint", "sh", "alertmanager", "-c", script],
        cwd=tools.project.path,
        env=outer_environment() | tools.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stderr, "amtool accepts it"
    return yaml.safe_load(done.stdout), done.stderr


@pytest.mark.parametrize(
    "secrets", [(), *((name,) for name in RECEIVER_SECRETS), tuple(RECEIVER_SECRETS)], ids=" ".join
)
def test_with_any_secrets_there_is_a_configuration(tools: Stack, secrets: tuple[str, ...]) -> None:
    config, said = composed(tools, *secrets)
    items = {
        (receiver["name"], kind, key)
        for receiver in config["receivers"]
        for kind, listed in receiver.items()
        if kind.endswith("_configs")
        for item in listed or []
        for key in item
        if key.endswith("_file")
    }
    assert items == {RECEIVER_OF[name] for name in secrets}
    told = {RECEIVER_OF[name][0] for name in secrets}
    nobody = [name for name in ("page", "ticket", "heartbeat") if name not in told]
    line = f"Nobody is told of alerts that go to: {' '.join(nobody)} (see docs/alerts.md)."
    assert (line in said) == bool(nobody)
    assert ("Nobody is told" in said) == bool(nobody)


def test_who_reads_a_new_secret_starts_anew_and_nobody_else(tmp_path: Path) -> None:
    require_docker()
    project = start(tmp_path / "shop", Combination(4))
    project.make("secrets")
    assert project.read("secrets/alert_slack_url") == ""
    assert not (project.path / "secrets/.changed").exists()

    def readers(key: str, value: str) -> str:
        project.append(".env", f"{key}={value}\n")
        project.make("secrets")
        assert project.read(f"secrets/{key.lower()}") == value
        compose = "COMPOSE_FILE=$(make --silent files FOR=prod) docker compose"
        script = f"{compose} config --format json | python3 make/readers.py secrets/.changed"
        done = subprocess.run(
            ["sh", "-ec", script], cwd=project.path, capture_output=True, text=True, check=True
        )
        (project.path / "secrets/.changed").unlink()
        return done.stdout.strip()

    assert readers("ALERT_SLACK_URL", RECEIVER_SECRETS["ALERT_SLACK_URL"]) == "alertmanager"
    assert readers("BACKUP_S3_KEY", "another") == "backup postgres postgres_standby"
    # What sets it up runs at every start anyway.
    assert readers("POSTGRES_REPLICATION_PASSWORD", "another") == "postgres postgres_standby"
    assert readers("REDIS_PASSWORD", "another") == "business_api redis"


def test_make_monitoring_finds_rules_that_do_not_fire(tools: Stack) -> None:
    project, kept = tools.project, {}
    for file, old, new in (
        ("resilience", "> 0.2", "> 0.9"),
        ("error-budget", "1 - 0.999)", "1 - 0.9)"),
        ("database", "> 256 *", "> 99256 *"),
    ):
        path = f"infrastructure/prometheus/rules/{file}.yml"
        kept[path] = project.read(path)
        project.replace(path, old, new)
    try:
        done = project.make("monitoring", environment=tools.environment, check=False)
    finally:
        for path, text in kept.items():
            project.write(path, text)
    assert done.returncode != 0
    failed = set(re.findall(r"^ *alertname: (\w+),", done.stdout + done.stderr, re.MULTILINE))
    assert failed >= {"RetryStorm", "ErrorBudgetBurnsFast", "ReplicationLag"}


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("prometheus/scrape/jaeger.yml", "- job_name: jaeger\n", "- job_nam: x\n", "job_nam"),
        ("alertmanager/alertmanager.yml", "receiver: page", "receiver: pager", "pager"),
        ("alertmanager/alerts.tmpl", "{{range .Alerts}}", "{{rang .Alerts}}", "rang"),
    ],
    ids=lambda value: value if "/" in value else "",
)
def test_make_monitoring_finds_what_is_wrong(
    tools: Stack, file: str, old: str, new: str, reason: str
) -> None:
    project, path = tools.project, f"infrastructure/{file}"
    kept = project.read(path)
    project.replace(path, old, new)
    try:
        done = project.make("monitoring", environment=tools.environment, check=False)
        assert done.returncode != 0
        assert reason in done.stdout + done.stderr
    finally:
        project.write(path, kept)


# A gate of `make verify` at level 4.
@pytest.mark.full
def test_make_monitoring_is_content_with_what_is_there(tools: Stack) -> None:
    done = tools.project.make("monitoring", environment=tools.environment)
    for file in rule_files(tools.project):
        assert f"/{file.name}" in done.stdout
    assert "rules/tests/error-budget.yml" in done.stdout
