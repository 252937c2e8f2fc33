"""The production system that the tests of level 4 share, and who watches it."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.support.docker import Stack
from tests.support.http import Answer, call
from tests.support.oauth import Browser, Login
from tests.support.production import Secured

PASSWORD = "correct horse battery staple"
# Keeps what is posted, with its path and when it came; a GET returns it all.
RECORDER = """\
import http.server, json, time
KEPT = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        KEPT.append({"to": self.path[1:], "at": time.time(), "body": body})
        self.answer(b"ok")
    def do_GET(self):
        self.answer(json.dumps(KEPT).encode())
    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
# What a team adds: ports to look at the parts from outside, a Telegram, and a Vault.
OVERRIDE = """\
services:
  recorder:
    image: python:3.13-slim
    init: true
    command: [python, /recorder.py]
    ports: ["127.0.0.1::8080"]
    volumes: ["./recorder.py:/recorder.py:ro"]
  telegram:
    image: ${IMAGES:-${COMPOSE_PROJECT_NAME}}/business_bot:current
    pull_policy: never
    command: [python, -m, business_bot.testing, "0.0.0.0"]
  alertmanager:
    ports: ["127.0.0.1::9093"]
  prometheus:
    ports: ["127.0.0.1::9090"]
  jaeger:
    ports: ["127.0.0.1::16686"]
  vault:
    image: openbao/openbao:latest
    command: [server, -dev, "-dev-listen-address=0.0.0.0:8200", -dev-root-token-id=root]
    ports: ["127.0.0.1::8200"]
"""
RECEIVERS = {
    # PagerDuty itself is not for tests, so there is no key.
    "ALERT_PAGERDUTY_KEY": "",
    "ALERT_PAGE_WEBHOOK": "http://recorder:8080/page",
    "ALERT_SLACK_URL": "http://recorder:8080/slack",
    "ALERT_TICKET_WEBHOOK": "http://recorder:8080/ticket",
    "ALERT_HEARTBEAT_URL": "http://recorder:8080/heartbeat",
}


@dataclass(frozen=True)
class System(Secured):
    """The system, which sends every alert to a recorder."""

    http_port: int

    # --- people

    def log_in(self, login: str = "ada", password: str = PASSWORD) -> dict[str, Any]:
        """Log in with a new browser and return the tokens."""
        person = self.person()
        tokens: dict[str, Any] = person.exchange(person.code(login, password)).json
        return tokens

    def person(self, **of: str) -> Login:
        """Return somebody with a new browser."""
        return Login(Browser(self.port, self.context), self.issuer, **of)

    def token(self, who: str, *roles: str) -> str:
        """Return an access token, as `make token` prints it."""
        done = self.make("token", f"WHO={who}", f"ROLES={' '.join(roles)}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # --- the parts

    def ask(self, service: str, port: int, path: str) -> Any:
        """Return the JSON that a part of the system answers."""
        return call("GET", f"{self.stack.url(service, port)}{path}").json

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask the running Prometheus."""
        answer = self.ask("prometheus", 9090, f"/api/v1/query?query={quote(expression)}")
        assert answer["status"] == "success", expression
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def logged(self, service: str, request_id: str) -> list[dict[str, Any]]:
        """Return the lines of a service's log with this request id."""
        lines = [json.loads(line) for line in self.stack.lines(service) if request_id in line]
        return [line for line in lines if line.get("request_id") == request_id]

    # --- alerts

    def raise_alerts(self, *alerts: dict[str, str], seconds: float = 300) -> None:
        """Send alerts to Alertmanager as Prometheus does; with 0 seconds they are over."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        body = [
            {
                "labels": labels,
                "annotations": {
                    "summary": f"Summary of {labels['alertname']}",
                    "description": f"Description of {labels['alertname']}",
                },
                "endsAt": until.isoformat(),
            }
            for labels in alerts
        ]
        where = self.stack.url("alertmanager", 9093)
        assert call("POST", f"{where}/api/v2/alerts", body).status == 200

    def notified(self, alertname: str) -> list[dict[str, Any]]:
        """Return what the receivers got about an alert."""
        recorded = self.ask("recorder", 8080, "/")
        return [one for one in recorded if alertname in json.dumps(one["body"])]


def started_at(stack: Stack) -> float:
    """Return when the recorder of a system started, in seconds of the Unix clock."""
    (container,) = stack.containers("recorder")
    moment = re.sub(r"(\.\d{6})\d*Z$", r"\1+00:00", container.attrs["State"]["StartedAt"])
    return datetime.fromisoformat(moment).timestamp()


def problem(answer: Answer, status: int) -> None:
    """Fail unless the answer is a problem document of `status` with the id of its trace."""
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["detail"]
    assert re.fullmatch(r"[0-9a-f]{32}", answer.json.get("trace_id", "0" * 32))
