"""What the questions accept and refuse, and in which words."""

import re
from pathlib import Path

import pytest
import yaml

from extensions.stages import PIPELINES_SINCE, Combination
from tests.support.matrix import RULES
from tests.support.project import CONFIG, QUESTIONS, check_answers, render, start

ASKED = {
    name: question
    for name, question in CONFIG.items()
    if name in QUESTIONS and question.get("when") is not False
}


@pytest.mark.parametrize("name", ASKED)
def test_a_question_has_a_default_and_helps(name: str) -> None:
    assert "default" in ASKED[name]
    text = ASKED[name]["help"]
    assert "later" in text, "says that it can change later"
    assert "?" in text, "asks"
    assert len(text) > 60, "says who needs it"


BAD = [
    ("project_name", "", "The name is empty"),
    ("project_name", "   ", "The name is empty"),
    ("project_name", "日本", "no Latin letter or digit"),
    ("project_name", "--", "no Latin letter or digit"),
    ("project_name", "3 Bears", "starts with a digit"),
    ("project_name", "Class", "keyword of Python"),
    ("project_name", "Business API", "name of a package inside every project"),
    ("project_name", "chassis", "name of a package inside every project"),
    ("project_name", "a\nb", "line break or a control character"),
    ("project_name", "a" * 61, "more than 60 characters"),
    ("description", " ", "The description is empty"),
    ("description", "a\tb", "line break or a control character"),
    ("description", "a" * 201, "more than 200 characters"),
    ("author", "", "The author is empty"),
    ("author", "a\x1b[31m", "line break or a control character"),
    ("author", "a" * 101, "more than 100 characters"),
    ("python_version", "2.7", "'2.7' is not in"),
    ("maturity_level", 0, f"There is no level 0; this version offers 1 to {RULES.highest}"),
    ("maturity_level", -1, "There is no level -1"),
    ("maturity_level", RULES.highest + 1, f"There is no level {RULES.highest + 1}"),
    ("maturity_level", "two", "invalid literal for int"),
    ("ci_provider", "jenkins", "'jenkins' is not in ['github', 'gitlab']"),
]


@pytest.mark.parametrize(("question", "answer", "sentence"), BAD)
def test_a_bad_answer_is_refused_with_a_sentence(
    tmp_path: Path, question: str, answer: object, sentence: str
) -> None:
    combination = Combination(PIPELINES_SINCE if question == "ci_provider" else 1)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        render(tmp_path / "project", combination, {question: answer})
    assert not (tmp_path / "project").exists()


GOOD = [
    ("project_name", 'Zoë\'s "Corner" Shop {{ 7 * 7 }}'),
    ("project_name", "A"),
    ("project_name", "c" * 60),
    ("description", 'Tea & cake: 50 % off | "today" \\ #1 {% raw %}'),
    ("author", "Zoë O'Neil <zoe@example.org>"),
]


@pytest.mark.parametrize(("question", "answer"), GOOD)
def test_a_good_answer_is_kept_as_it_is(tmp_path: Path, question: str, answer: str) -> None:
    folder = render(tmp_path / "project", Combination(2), {question: answer})
    assert yaml.safe_load((folder / ".copier-answers.yml").read_text())[question] == answer
    assert answer in (folder / "README.md").read_text()


@pytest.mark.parametrize("level", [1, 4])
def test_only_what_is_asked_is_stored(tmp_path: Path, level: int) -> None:
    folder = render(tmp_path / "project", Combination(level))
    stored = yaml.safe_load((folder / ".copier-answers.yml").read_text())
    asked = set(ASKED) - ({"ci_provider"} if level < PIPELINES_SINCE else set())
    assert set(stored) == asked | {"_commit", "_src_path"}


def test_a_lower_level_is_refused_with_what_would_go(tmp_path: Path) -> None:
    project = start(tmp_path / "project", Combination(2))
    with pytest.raises(ValueError, match="at level 2") as caught:
        project.update(Combination(1))
    for path in ("conftest.py", "docker-compose.dev.yml", "shared/chassis/src/chassis/health.py"):
        assert path in str(caught.value)
    assert "make downgrade LEVEL=1" in str(caught.value)


def test_the_helpers_refuse_a_key_that_is_no_question() -> None:
    with pytest.raises(ValueError, match="maturity_levle"):
        check_answers({"maturity_levle": 2})


def test_nothing_needs_trust() -> None:
    for key in ("_tasks", "_migrations", "_jinja_extensions"):
        assert key not in CONFIG
