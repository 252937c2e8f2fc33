"""`make papers` says what the papers of a project name and the project lacks, and the reverse."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from extensions.stages import Combination
from tests.support.matrix import ALL, RULES
from tests.support.project import Project, outer_environment, render

LOG = "docs/adr/README.md"
RECORD = "docs/adr/0011-a-pair-promoted-by-hand.md"
RULE = "infrastructure/prometheus/rules/resilience.yml"
OURS = """\
# 101. Prices come from the warehouse

Status: accepted
"""


def papers(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "papers"], cwd=folder, env=outer_environment(), capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("papers") / "shop", Combination(RULES.highest, ALL))


@pytest.fixture
def project(fresh: Path, tmp_path: Path) -> Project:
    return Project(copytree(fresh, tmp_path / "shop"))


@pytest.mark.parametrize("provider", RULES.providers(RULES.highest))
def test_the_papers_of_a_new_project_are_right(provider: str, tmp_path: Path) -> None:
    folder = render(tmp_path / "shop", Combination(RULES.highest, ci_provider=provider))
    done = papers(folder)
    assert done.returncode == 0, done.stderr
    assert "are as the papers say" in done.stdout


def test_the_decision_on_pipelines_is_about_the_ones_that_there_are(tmp_path: Path) -> None:
    for provider, other in (("github", "GitLab"), ("gitlab", "GitHub")):
        folder = render(tmp_path / provider, Combination(RULES.highest, ci_provider=provider))
        text = (folder / "docs/adr/0016-pipelines.md").read_text()
        assert other not in text


def test_a_record_of_the_team_begins_a_hundred_of_its_own(project: Project) -> None:
    before = papers(project.path).stderr
    project.write("docs/adr/0101-prices.md", OURS)
    project.append(LOG, "| [0101](0101-prices.md) | Prices come from the warehouse | accepted |\n")
    assert papers(project.path).stderr == before


@pytest.mark.parametrize("level", range(1, RULES.highest))
def test_below_the_highest_level_nothing_asks_for_papers(level: int, tmp_path: Path) -> None:
    folder = render(tmp_path / "shop", Combination(level))
    assert not (folder / "make/papers.mk").exists()
    assert '"papers"' not in (folder / "make/gates.toml").read_text()


def test_the_gate_of_the_documents_runs_it(fresh: Path) -> None:
    gates = (fresh / "make/gates.toml").read_text()
    assert 'shows = "decision records, runbooks and guides"\nrun = [["make", "papers"]]' in gates


def a_line_of_an_alert_is_gone(project: Project) -> None:
    text = project.read("docs/monitoring.md")
    project.write("docs/monitoring.md", text.replace("| `RetryStorm` |", "| `RetryStorms` |"))


def an_alert_is_added(project: Project) -> None:
    rule = "      - alert: TooManyCats\n        expr: vector(1)\n"
    project.append(RULE, rule)


def a_runbook_is_renamed(project: Project) -> None:
    (project.path / "docs/runbooks/degradation.md").rename(project.path / "docs/runbooks/slow.md")


def a_target_is_gone(project: Project) -> None:
    project.replace("make/alerts.mk", ".PHONY: receivers routes", ".PHONY: routes")


def a_block_names_a_target(project: Project) -> None:
    project.append("docs/rollback.md", '\n    git pull && make undo TO="a day"  # make cats\n')


def a_sentence_names_a_target(project: Project) -> None:
    project.append("AGENTS.md", "\nSay `make -s\nmagic WHO=me`, or `TO=latest` and `make`.\n")


def a_call_within_a_command_names_a_target(project: Project) -> None:
    project.append("README.md", '\n    curl localhost -H "$(make -s passport WHO=me)"\n')


def a_record_is_not_in_the_log(project: Project) -> None:
    project.write("docs/adr/0101-prices.md", OURS)


def a_record_is_deleted(project: Project) -> None:
    (project.path / RECORD).unlink()


def a_status_is_unknown(project: Project) -> None:
    project.replace(RECORD, "Status: accepted", "Status: agreed")


def a_record_is_superseded_by_none(project: Project) -> None:
    project.replace(RECORD, "Status: accepted", "Status: superseded by 0107")


def the_log_has_another_status(project: Project) -> None:
    project.replace(RECORD, "Status: accepted", "Status: deprecated")


def the_log_has_another_title(project: Project) -> None:
    project.replace(RECORD, "# 11. The", "# 11. Our")


def a_record_has_the_number_of_another(project: Project) -> None:
    project.write("docs/adr/0011-prices.md", OURS.replace("101", "11"))


def a_record_bears_another_number(project: Project) -> None:
    project.replace(RECORD, "# 11. ", "# 12. ")


def a_number_is_left_out(project: Project) -> None:
    project.write("docs/adr/0102-prices.md", OURS.replace("101", "102"))


def a_record_has_no_number(project: Project) -> None:
    project.write("docs/adr/prices.md", OURS)


BROKEN: list[tuple[Callable[[Project], None], list[str]]] = [
    (
        a_line_of_an_alert_is_gone,
        [
            f"{RULE}: RetryStorm has no line in docs/monitoring.md",
            "docs/monitoring.md: RetryStorms is no alert of infrastructure/prometheus",
        ],
    ),
    (an_alert_is_added, [f"{RULE}: TooManyCats has no line in docs/monitoring.md"]),
    (a_runbook_is_renamed, [f"{RULE}: the runbook docs/runbooks/degradation.md is not there"]),
    (a_target_is_gone, ['docs/monitoring.md: there is no target "receivers"']),
    (a_block_names_a_target, ['docs/rollback.md: there is no target "undo"']),
    (a_sentence_names_a_target, ['AGENTS.md: there is no target "magic"']),
    (a_call_within_a_command_names_a_target, ['README.md: there is no target "passport"']),
    (a_record_is_not_in_the_log, [f"{LOG}: 0101-prices.md has no line"]),
    (
        a_record_is_deleted,
        [
            "docs/adr: there is a 0012 and no 0011",
            f"{LOG}: 0011-a-pair-promoted-by-hand.md is not there",
        ],
    ),
    (a_status_is_unknown, [f'{RECORD}: the status "agreed" is not known']),
    (a_record_is_superseded_by_none, [f"{RECORD}: it is superseded by 0107, which is not there"]),
    (the_log_has_another_status, [f"{LOG}: it says ", " and deprecated."]),
    (the_log_has_another_title, [f"{LOG}: it says ", "which says Our database is a pair"]),
    (a_record_has_the_number_of_another, ["docs/adr: 0011 is there twice: "]),
    (a_record_bears_another_number, [f'{RECORD}: the first line is to be "# 11. "']),
    (a_number_is_left_out, ["docs/adr: there is a 0102 and no 0101"]),
    (a_record_has_no_number, ["docs/adr/prices.md: call it by four digits and a title"]),
]


@pytest.mark.parametrize(("breakage", "said"), BROKEN, ids=lambda one: getattr(one, "__name__", ""))
def test_what_does_not_agree_is_said(
    project: Project, breakage: Callable[[Project], None], said: list[str]
) -> None:
    assert [part for part in said if part in papers(project.path).stderr] == []
    breakage(project)
    done = papers(project.path)
    assert done.returncode != 0
    assert [part for part in said if part not in done.stderr] == []


def test_a_comment_and_a_value_are_no_targets(project: Project) -> None:
    before = papers(project.path).stderr
    project.append("docs/rollback.md", '\n    make versions TO="12 cats"  # make cats\n')
    project.append("docs/rollback.md", "\n```python\nmake = cats\n```\n")
    assert papers(project.path).stderr == before
