"""What stands around a deployment: a host behind ssh, a registry, and another developer."""

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.http import eventually
from tests.support.ports import free_port
from tests.support.project import Project

USER = "robot"
PASSWORD = "only-for-tests"
# What "htpasswd -nbB robot only-for-tests" prints: the registry takes nothing but bcrypt.
HTPASSWD = "robot:$2b$05$Qh5IBl9O/u3QdoVr3m1R6Ofpfs8cYmC38KiYKFqg2zb6toIaKVn/e"
CONFIG = """\
version: 0.1
storage:
  filesystem: {rootdirectory: /tmp/registry}
http: {addr: ":5000"}
auth:
  htpasswd: {realm: tests, path: /htpasswd}
"""


@contextmanager
def ssh_host(folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Serve ssh on this machine, and yield the settings with which a deployment comes in."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert sshd, "the way to a host is tested with OpenSSH's server: install openssh-server"
    for name in ("host", "user"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(make, check=True)
    port = free_port()
    settings = " ".join(f'"{name}={value}"' for name, value in environment.items())
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder / 'host'}\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'user.pub'}\nStrictModes no\nPasswordAuthentication no\n"
        f"PidFile none\nSetEnv {settings}\n"
    )
    Path("/run/sshd").mkdir(parents=True, exist_ok=True)
    command = [sshd, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            eventually(lambda: "listening" in (folder / "log").read_text(), seconds=20)
            public = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
            yield {
                "DEPLOY_TO": f"{getpass.getuser()}@127.0.0.1",
                "DEPLOY_PORT": str(port),
                "DEPLOY_KEY": (folder / "user").read_text(),
                "DEPLOY_KNOWN_HOSTS": f"[127.0.0.1]:{port} {public}",
            }
        finally:
            server.terminate()


@contextmanager
def registry(folder: Path, name: str) -> Iterator[str]:
    """Run a registry that wants a password, and yield its address."""
    (folder / "config.yml").write_text(CONFIG)
    (folder / "htpasswd").write_text(HTPASSWD + "\n")
    run = ["docker", "run", "--detach", "--name", name, "--publish", "127.0.0.1::5000"]
    for file in ("config.yml", "htpasswd"):
        run += ["--volume", f"{folder / file}:/{file}:ro"]
    subprocess.run([*run, "registry:3", "serve", "/config.yml"], check=True, capture_output=True)
    try:
        ask = ["docker", "port", name, "5000"]
        where = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split()[0]
        yield where
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True)


def docker_config(folder: Path) -> Path:
    """Make a folder for what Docker knows of registries, with the plugins of this machine's."""
    given = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker"))
    if (given / "cli-plugins").exists():
        (folder / "cli-plugins").symlink_to(given / "cli-plugins")
    return folder


def versions(said: str) -> dict[str, list[str]]:
    """Return the tags that run, by service, from what `make versions` prints."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", said.strip()):
        service, *lines = block.splitlines()
        runs = next((line for line in lines if "(runs" in line), "")
        found[service] = runs.split("(runs")[0].strip().split(", ")
    return found


def clone(source: Path, target: Path) -> Project:
    """Clone a repository, as another developer does."""
    subprocess.run(["git", "clone", "--quiet", str(source), str(target)], check=True)
    return Project(target)
