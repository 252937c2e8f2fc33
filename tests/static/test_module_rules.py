"""What the rules make of modules: each alone, and with those that it brings, in both engines."""

import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import copier
import jinja2
import pytest
from jinja2 import nodes

from extensions.stages import ROOT, SUFFIX, TEMPLATE, Combination, load, template_files
from tests.support import matrix
from tests.support.project import files_of, render

STAGES = """\
levels:
  1: {name: Low, purpose: To see., coverage: 1, gates: []}
  2: {name: High, purpose: To see more., coverage: 1, gates: []}
order: ["1", M.A, M.B, M.C]
stages:
  - id: "1"
    title: What all have
    levels:
      1: {artifacts: [base]}
      2: {artifacts: [higher], needs: [cache]}
capabilities:
  client:
    1: {artifacts: [client/calls]}
    2: {artifacts: [client/metrics]}
  cache:
    1: {artifacts: [cache]}
  store:
    1: {artifacts: [store]}
modules: [broker, worker, files]
"""
MANIFESTS = {
    "broker": """\
id: M.A
title: A broker
levels:
  1: {artifacts: [broker/queue], needs: [client, cache]}
  2: {artifacts: [broker/metrics], with: {files: {artifacts: [broker/files], needs: [store]}}}
""",
    "worker": """\
id: M.B
title: A worker
requires: [broker]
levels:
  1: {artifacts: [worker], needs: [client]}
  2: {artifacts: [worker-metrics]}
""",
    "files": """\
id: M.C
title: Files
levels:
  2:
    artifacts: [files]
""",
}
QUESTIONS = """\
_subdirectory: template
_exclude: ["{% include 'extensions/stages.jinja' ignore missing %}"]
level: {type: int, default: 1}
broker: {type: bool, default: false}
worker: {type: bool, default: false}
files: {type: bool, default: false}
"""
MODULES = ("broker", "worker", "files")
ANSWERS = [frozenset(m for m, on in zip(MODULES, flags, strict=True) if on)
           for flags in product([False, True], repeat=3)]  # fmt: skip


def write_rules(folder: Path, manifests: dict[str, str]) -> None:
    (folder / "stages.yml").write_text(STAGES)
    for name, text in manifests.items():
        (folder / "modules" / name).mkdir(parents=True)
        (folder / "modules" / name / "rules.yml").write_text(text)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with the engine of this one, and three modules of which one brings another."""
    folder = tmp_path_factory.mktemp("modules") / "template"
    (folder / "template").mkdir(parents=True)
    (folder / "copier.yml").write_text(QUESTIONS)
    write_rules(folder, MANIFESTS)
    shutil.copytree(ROOT / "extensions", folder / "extensions")
    for rule in load(folder / "stages.yml").rules:
        for path in rule.artifacts:
            (folder / "template" / path).parent.mkdir(exist_ok=True)
            (folder / "template" / path).write_text("")
    return folder


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("asked", ANSWERS, ids=lambda asked: "-".join(sorted(asked)) or "none")
def test_both_engines_leave_out_the_same(
    template: Path, tmp_path: Path, level: int, asked: frozenset[str]
) -> None:
    rules = load(template / "stages.yml")
    answers = {"level": level, **{module: module in asked for module in MODULES}}
    copier.run_copy(str(template), tmp_path / "project", data=answers, defaults=True, quiet=True)
    every = {path for rule in rules.rules for path in rule.artifacts}
    left_out = rules.excluded_claims(Combination(level, asked))
    assert set(files_of(tmp_path / "project")) == every - left_out


def test_a_module_brings_what_it_requires(template: Path) -> None:
    rules = load(template / "stages.yml")
    alone, whole = (
        Combination(2, frozenset({"worker"})),
        Combination(2, frozenset({"worker", "broker"})),
    )
    left_out = {"files", "broker/files", "store"}
    assert rules.excluded_claims(alone) == rules.excluded_claims(whole) == left_out
    assert rules.with_required({"worker", "files"}) == {"worker", "broker", "files"}


@pytest.mark.parametrize(
    ("combination", "there"),
    [
        (Combination(1), ""),
        (Combination(1, frozenset({"broker"})), "cache client/calls"),
        (Combination(2), "cache"),
        (Combination(2, frozenset({"broker"})), "cache client/calls client/metrics"),
        (Combination(1, frozenset({"broker", "files"})), "cache client/calls"),
        (
            Combination(2, frozenset({"broker", "files"})),
            "cache client/calls client/metrics store",
        ),
    ],
    ids=str,
)
def test_a_capability_comes_with_what_needs_it(
    template: Path, combination: Combination, there: str
) -> None:
    rules = load(template / "stages.yml")
    shared = {path for rule in rules.capabilities for path in rule.artifacts}
    assert shared - rules.excluded_claims(combination) == set(there.split())


def test_a_capability_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    write_rules(tmp_path, MANIFESTS | {"files": MANIFESTS["files"] + "    needs: [cash]\n"})
    with pytest.raises(ValueError, match="cash"):
        load(tmp_path / "stages.yml")


def test_a_set_without_what_it_requires_is_no_combination_of_its_own(template: Path) -> None:
    rules = load(template / "stages.yml")
    sets = {combination.modules for combination in rules.combinations()}
    assert sets == {asked for asked in ANSWERS if "worker" not in asked or "broker" in asked}
    assert len(rules.combinations()) == 2 * len(sets)


@pytest.mark.parametrize("full", [False, True])
def test_rows_and_moves_keep_to_these_sets(
    template: Path, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    rules = load(template / "stages.yml")
    monkeypatch.setattr(matrix, "RULES", rules)
    monkeypatch.setattr(matrix, "FULL", full)
    rows = matrix.covering(2)
    sets = set(rules.sets_of_modules())
    assert {combination.modules for combination, _ in rows} <= sets
    pairs = {(c.level, python) for c, python in rows}
    assert pairs == {(level, python) for level in (1, 2) for python in matrix.PYTHONS}
    assert (len(rows) == len(sets) * 2 * 2) == full
    one_step = {
        (low.modules, high.modules) for low, high in matrix.moves() if low.level == high.level
    }
    # With the worker comes the broker, in one step from nothing.
    assert (frozenset[str](), frozenset({"worker", "broker"})) in one_step
    # Both levels of these rules are ends of the way, where a run begins from nothing.
    assert ((frozenset({"broker"}), frozenset({"worker", "broker"})) in one_step) == full
    assert ((frozenset[str](), frozenset(MODULES)) in one_step) == full


def test_settings_for_a_service_that_takes_none_are_an_error(tmp_path: Path) -> None:
    more = "    settings: {services/business_worker: {A: b}}\n"
    write_rules(tmp_path, MANIFESTS | {"files": MANIFESTS["files"] + more})
    with pytest.raises(ValueError, match=re.escape("settings for ['services/business_worker']")):
        load(tmp_path / "stages.yml")


def test_a_chain_is_written_out(tmp_path: Path) -> None:
    chained = MANIFESTS["files"].replace("levels:", "requires: [worker]\nlevels:")
    write_rules(tmp_path, MANIFESTS | {"files": chained})
    with pytest.raises(ValueError, match=re.escape("files requires worker, so also ['broker']")):
        load(tmp_path / "stages.yml")


COMPOSE = """\
#!/bin/sh
echo "$*" >> asked
case "$*" in
  *"ps --quiet"*) [ ! -f running ] || echo 1a2b ;;
  *list_queues*)
    [ -f answers ] &&
      printf '%s\\t3\\n' business_worker.sales business_worker.sales.dead ours ;;
esac
"""


@pytest.mark.parametrize(
    ("there", "stays", "code", "deleted"),
    [
        (
            ["running", "answers"],
            "rabbitmq",
            0,
            ["business_worker.sales", "business_worker.sales.dead"],
        ),
        (["running"], "rabbitmq", 1, []),
        ([], "rabbitmq", 1, []),
        ([], "", 0, []),
    ],
)
def test_the_queues_of_a_worker_that_goes_do_not_stay_and_fill(
    tmp_path: Path, there: list[str], stays: str, code: int, deleted: list[str]
) -> None:
    compose = tmp_path / "compose"
    compose.write_text(COMPOSE)
    compose.chmod(0o755)
    (tmp_path / "make").symlink_to(TEMPLATE / "make")
    for name in ("asked", *there):
        (tmp_path / name).touch()
    done = subprocess.run(
        ["sh", "make/before-without-workers.sh"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "COMPOSE": str(compose), "STAYS": stays},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.split()[-1] for line in asked if "delete_queue" in line] == deleted


def test_make_verify_does_not_speak_in_the_name_of_a_bot(tmp_path: Path) -> None:
    project = render(tmp_path / "shop", Combination(1, frozenset({"telegram_bot"})))
    gates = project / "make/gates.toml"
    head = gates.read_text().partition("[[gate]]")[0]
    gate = 'transition = "4.1 -> 4.2"\nshows = "whose it is"\n'
    gates.write_text(f'{head}[[gate]]\n{gate}run = [["sh", "-c", "echo token=[$BOT_TOKEN]"]]\n')
    docker = tmp_path / "docker"
    docker.write_text("""#!/bin/sh\necho '{"services": {}}'\n""")
    docker.chmod(0o755)
    subprocess.run(
        [sys.executable, "make/verify.py"],
        cwd=project,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "BOT_TOKEN": "42:ours"},
        capture_output=True,
    )
    assert "token=[]" in (project / "reports/1.log").read_text()


# The broker of the chaos tests is a fixture, and pytest finds those of a folder in its conftest.py.
SHARED = {"tests/chaos/conftest.py"}


def test_a_module_is_named_in_no_file_of_others() -> None:
    rules = load()
    asked = {*rules.modules, "broker"}
    environment = jinja2.Environment()
    named = set()
    for path, file in template_files().items():
        if file.suffix == SUFFIX:
            tree = environment.parse(file.read_text())
            if asked & {node.name for node in tree.find_all(nodes.Name)}:
                named.add(path)
    others = {path for path in named if not any(rule.module for rule in rules.claimants(path))}
    assert others == SHARED
