"""A running system of level 4 that was started from the production files."""

import ssl
import subprocess
from dataclasses import dataclass

from tests.support.docker import Stack
from tests.support.http import Answer, call
from tests.support.project import outer_environment


@dataclass(frozen=True)
class Secured:
    """Such a system, behind its gateway at a port of this machine."""

    stack: Stack
    port: int

    @property
    def issuer(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def context(self) -> ssl.SSLContext:
        certificate = self.stack.project.path / "certs/fullchain.pem"
        return ssl.create_default_context(cafile=str(certificate))

    def call(self, method: str, path: str, token: str | None, body: object = None) -> Answer:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return call(method, self.issuer + path, body, headers=headers, context=self.context)

    def compose(self, *arguments: str) -> str:
        return self.stack.production(*arguments)

    def make(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "--silent", *arguments, "FOR=prod"],
            cwd=self.stack.project.path,
            env=outer_environment() | self.stack.environment,
            input=given,
            capture_output=True,
            text=True,
        )
