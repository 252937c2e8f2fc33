"""The template's own docs and configuration tell the truth."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from extensions.readme import README, drawn
from extensions.stages import ROOT
from tests.support.template import git

BIN = Path(sys.executable).parent
DOCS = [
    path for path in git(ROOT, "ls-files", "*.md").splitlines() if not path.startswith("template/")
]
LINK = re.compile(r"\[[^\]]*\]\(([^)#]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`((?:template|tests|extensions|docs|benchmarks|scripts)/[^`\s<*]*)`")


def test_the_tables_of_the_readme_are_those_of_the_rules() -> None:
    assert README.read_text() == drawn(README.read_text()), "run: make docs"


@pytest.mark.parametrize("doc", DOCS)
def test_every_link_and_path_resolves(doc: str) -> None:
    text = (ROOT / doc).read_text()
    for link in LINK.findall(text):
        if not link.startswith(("http://", "https://")):
            assert ((ROOT / doc).parent / link).exists(), link
    for path in CODE.findall(text):
        if "..." not in path:
            assert (ROOT / path.rstrip("/")).exists(), path


def test_the_workflow_is_valid() -> None:
    check = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    workflow = str(ROOT / ".github/workflows/ci.yml")
    done = subprocess.run([*map(str, check), workflow], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_workflow_is_safe() -> None:
    audit = [str(BIN / "zizmor"), "--offline", str(ROOT / ".github/workflows/ci.yml")]
    done = subprocess.run(audit, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_digest() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    for action in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action


def test_the_workflow_runs_what_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    named = set(re.findall(r"make (?:--silent )?([a-z-]+)", text))
    assert named
    assert named <= targets


def test_the_workflow_runs_every_test() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    parts = workflow["jobs"]["test"]["strategy"]["matrix"]["part"]
    files = git(ROOT, "ls-files", "tests/**/test_*.py", ":!tests/domains").splitlines()
    assert len(files) > 30
    for file in files:
        inside = [part for part in parts if fnmatch(file, part) or file.startswith(f"{part}/")]
        assert len(inside) == 1, file


def test_nothing_names_a_path_of_one_machine() -> None:
    for path in git(ROOT, "ls-files").splitlines():
        if not (ROOT / path).exists():
            continue  # removed, and not committed yet
        text = (ROOT / path).read_bytes()
        assert not re.search(rb"/(?:home|root|Users|work)/[a-z]", text), path
