"""The alert rules of a rendered project, and the receivers of its alerts."""

from pathlib import Path
from typing import Any

import yaml

from tests.support.project import Project

RECEIVER_SECRETS = {
    "ALERT_PAGERDUTY_KEY": "0123456789abcdef0123456789abcdef",
    "ALERT_PAGE_WEBHOOK": "http://recorder:8080/page",
    "ALERT_SLACK_URL": "http://recorder:8080/slack",
    "ALERT_TICKET_WEBHOOK": "http://recorder:8080/ticket",
    "ALERT_HEARTBEAT_URL": "http://recorder:8080/heartbeat",
}


def rule_files(project: Project) -> list[Path]:
    folder = project.path / "infrastructure/prometheus"
    return [folder / "alerts.yml", *sorted((folder / "rules").glob("*.yml"))]


def alerts_of(project: Project) -> dict[str, dict[str, Any]]:
    return {
        rule["alert"]: rule
        for file in rule_files(project)
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
