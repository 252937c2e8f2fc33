"""Elasticsearch, Logstash and Kibana in development, where they start on demand.

The containers are stubs: how they are wired is shown, not what they do.
"""

import json
import os
import re
import subprocess

import pytest

from extensions.stages import Combination
from tests.support.docker import require_docker, stack
from tests.support.elastic import WELL
from tests.support.matrix import ALL
from tests.support.project import start


@pytest.mark.full
def test_with_stubs_the_containers_start_in_development(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    require_docker()
    project = start(tmp_path_factory.mktemp("wired") / "shop", Combination(4, ALL))
    project.make("env")
    with stack(project) as one:
        assert set(one.compose("config", "--services").split()) & WELL.keys() == set()
        # What logs JSON says so, and Docker is to write it beside each line.
        said = json.loads(one.compose("config", "--format", "json"))["services"]
        reading = {name: of["logging"] for name, of in said.items() if "logging" in of}
        assert reading.keys() == {name for name, of in said.items() if "labels" in of}
        code = {
            "business_api",
            "business_bot",
            "business_worker",
            "data_postgres_api",
            "migrate",
            "outbox_relay",
        }
        assert reading.keys() == code | {"backup"}
        for logging in reading.values():
            assert set(logging["options"]["labels"].split(",")) == {
                "com.docker.compose.project",
                "com.docker.compose.service",
                "logs.format",
            }
        project.replace(".env", "COMPOSE_PROFILES=\n", "COMPOSE_PROFILES=logs\n")
        one.compose("up", "--detach", "--wait", "kibana", "logstash", "filebeat")
        assert one.states() == WELL
        assert one.url("kibana", 5601).startswith("http://127.0.0.1:")
        # As at every start: what is done once is done again.
        one.compose("up", "--detach", "--wait", "logstash", "filebeat")
        for name, done_again in (("elk_setup", "is set up"), ("kibana_setup", "has its dashboard")):
            assert len(re.findall(done_again, one.printed(name))) == 2
        # Lines are collected without a dashboard, but whoever waits for the start is told.
        project.replace("infrastructure/elk/setup.sh", "set -eu", 'set -eu\n[ "$1" != kibana ]')
        one.compose("rm", "--stop", "--force", "logstash", "filebeat")
        failed = subprocess.run(
            ["docker", "compose", "up", "--detach", "--wait", "logstash", "filebeat"],
            cwd=project.path,
            env=os.environ | one.environment,
            capture_output=True,
            text=True,
        )
        assert failed.returncode != 0
        assert "kibana_setup" in failed.stderr
        assert one.states() == WELL | {"kibana_setup": "exited 1"}
        # What Filebeat reads has to be there.
        nowhere = str(project.path / "nowhere")
        done = subprocess.run(
            ["docker", "compose", "run", "--detach", "--no-deps", "filebeat"],
            cwd=project.path,
            env=os.environ | one.environment | {"DOCKER_LOGS": nowhere},
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert nowhere in done.stderr
