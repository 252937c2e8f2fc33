# /// script
# requires-python = ">=3.12"
# dependencies = ["copier>=9.18"]
# ///
"""Move this project to another level, set of modules, or version of the template.

`make upgrade`, `make downgrade` and `make remove-example` call this. It renders the project twice,
as it was last rendered and as it should be, and merges the difference into your files: a three-way
merge of each file. It decides everything before it writes anything, so a move that is refused
changes nothing.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from moving.collisions import problems, problems_on_disk
from moving.downgrade import bring_down
from moving.example import (
    REVISION,
    folders,
    has_example,
    keep_history,
    keep_what_is_used,
    left_over,
    merge_without_its_lines,
    the_example,
)
from moving.merging import RESERVED, Merge
from moving.operators import for_operators
from moving.pages import untrue
from moving.rendering import as_recorded, both
from moving.repository import Refused, Team, listing, say
from moving.request import Wanted, check, check_repository, last_answers, stays_of
from moving.writing import TAKE_BACK, obstacles, write

GIVEN = ("LEVEL", "MODULE", "TEMPLATE", "CI_PROVIDER", "SOURCE", "REMOVE", "DRY_RUN")
ANSWERED = {
    "NAME": "project_name",
    "DESCRIPTION": "description",
    "AUTHOR": "author",
    "PYTHON": "python_version",
}


def report(found: Merge) -> None:
    """Say what needs a look although nothing is in conflict."""
    if found.renamed:
        moved = [f"{old} -> {new}" for old, new in sorted(found.renamed.items())]
        say("", "You moved these files, and the move follows them:", listing(moved))
    if found.settled:
        say(
            "",
            "In these files, you edited a line next to one that the move changes. Both were kept:",
        )
        say(listing(found.settled))
    if found.absent:
        say("", "The move changes these files, which you have deleted. They stay deleted:")
        say(listing(found.absent))


def move(wanted: Wanted) -> int:
    """Make the move, or raise `Refused`; return the exit code."""
    answers = last_answers()
    check(wanted, answers)
    stays = stays_of(wanted, answers) if wanted.down and wanted.module else set()
    check_repository()
    team = Team()
    example = has_example(answers, team)
    if not example and wanted.without_example:
        rest = left_over(team)
        here = ":\n" + listing(rest) + "\nThese are yours; delete what you do not need."
        raise Refused(
            "The project does not have the example, so no move brings anything of it"
            + (f". Some of its files are left{here}" if rest else ".")
        )
    if not example:
        say("The project does not have the example, so the move brings nothing of it.")
    say("Rendering the project as it was and as it will be.")
    base, new = both(wanted, answers, example=example)
    tables = keep_history(base, new, team) if wanted.without_example else ()
    queues = the_example().get("queues", []) if wanted.without_example else []
    by_hand = not example and answers.get("example", True)
    shown = as_recorded(wanted, answers, example=True) if by_hand else None
    found = merge_without_its_lines(shown, base, new, team)
    if wanted.without_example:
        used = keep_what_is_used(found, team, tables)
        say("", "These files go, by folder:", listing(folders(found.removed), 100))
        if used:
            say("These files stay, because files of yours import them:", listing(used))
    obstacles(found, team)
    if found.edited and not wanted.removal and not wanted.dry:
        raise Refused(
            "The move deletes these files, and you have edited them:\n"
            + listing(found.edited)
            + "\n"
            "If you do not need your edits, repeat the command with REMOVE=yes."
        )
    if not found.changed and not found.removed:
        say("There is nothing to change: the project is like that already.")
        return 0
    operators = for_operators(base, new)
    if wanted.dry:
        return show(found, team, operators)
    if wanted.down:
        bring_down(wanted, stays)
    write(found, team)
    report(found)
    if found.conflicts or found.reserved:
        if found.conflicts:
            say("", "These files hold both your edit and the new text, between conflict markers:")
            say(listing(sorted(found.conflicts)), "Keep what is right and remove the markers.")
        if found.reserved:
            say(
                "",
                "The template brings these files, and you have files of the same name. Yours are",
            )
            say(f"unchanged; the template's are next to them, as NAME{RESERVED}:")
            say(listing(found.reserved), "Take over what you need and delete those files.")
        if wanted.without_example:
            about_the_tables()
        say("", "Then: make verify", f"To take the move back: git {' '.join(TAKE_BACK)}")
        return 1
    lock()
    if wrong := problems(found, team) + problems_on_disk():
        say("", "The files are merged without a conflict, but these parts collide:", listing(wrong))
        say(
            "",
            "Correct them, then: make verify",
            f"To take the move back: git {' '.join(TAKE_BACK)}",
        )
        return 1
    if wrong := untrue(new):
        say("", "These pages name files that are not there:", listing(wrong))
    if wanted.without_example:
        after_example(queues)
    else:
        after(answers["maturity_level"], operators)
    return 0


def check_pages(wanted: Wanted) -> int:
    """Say which files the pages name that are not there; return the exit code."""
    answers = last_answers()
    example = has_example(answers, Team())
    wrong = untrue(as_recorded(wanted, answers, example=example))
    if wrong:
        say("These pages name files that are not there:", listing(wrong, 100))
    else:
        say("Every file that the pages name is there.")
    return bool(wrong)


def show(found: Merge, team: Team, operators: list[str]) -> int:
    """Say what a move would do, and change nothing."""
    added = [path for path in found.changed if path not in team]
    kinds = {
        "New files": added,
        "Changed files": [path for path in found.changed if path in team],
        "Removed files": found.removed,
        "Files that you edited next to a changed line": found.settled,
        "Conflicts": sorted([*found.conflicts, *found.reserved]),
        "Removed files that you have edited": found.edited,
        "Files that the move changes and you have deleted": found.absent,
    }
    for title, paths in kinds.items():
        if paths:
            print(f"{title} ({len(paths)}):", *(f"  {path}" for path in sorted(paths)), sep="\n")
    print(*operators, "Nothing was changed: DRY_RUN=yes.", sep="\n")
    return 0


def lock() -> None:
    """Lock the dependencies again, if there is a lock."""
    if not Path("uv.lock").exists():
        return
    done = subprocess.run([os.environ.get("UV", "uv"), "lock", "--quiet"])
    if done.returncode:
        say('The lock could not be refreshed; run "make setup" when the reason above is gone.')


def after(level: int, operators: list[str]) -> None:
    """Say what comes next."""
    if operators:
        say("", "For operators:", *(f"  {line}" for line in operators))
    say("", "Moved, without a conflict. Next:", "  git diff HEAD")
    measured = not Path("tests/load").is_dir() or Path("tests/load/baseline.json").exists()
    if not measured and Path("journey.py").exists():
        say("  make up", "  make baseline")
    say("  make verify", "  git add --all && git commit --message 'Move the project'")
    if level < 4 and Path("infrastructure/postgres/scripts/cluster.sh").is_file():
        say(
            "",
            "To start it: make up, or make prod. The existing database then becomes the primary of",
            "a pair, with an archive and backups. docs/disaster-recovery.md says what to keep",
            "elsewhere.",
        )


def about_the_tables() -> None:
    """Say what becomes of the example's tables."""
    say("", f"{REVISION} moves the tables of the example,")
    say("with their rows, to the schema removed_example when the database is migrated next.")


def after_example(queues: list[str]) -> None:
    """Say what comes after the example has gone."""
    about_the_tables()
    if queues:
        say(
            "",
            "RabbitMQ keeps the queues of the example, which nobody reads now. When nobody needs",
        )
        say("what is in them, delete each, and those whose names begin with it:")
        say(*(f"  docker compose exec rabbitmq rabbitmqctl delete_queue {name}" for name in queues))
    say(
        "",
        "Removed, without a conflict. Next:",
        "  git diff HEAD",
        "  make up",
        "  make verify",
        "  git add --all && git commit --message 'Remove the example'",
    )


def main() -> NoReturn:
    """Read what make has been asked for from the environment, and move."""
    given = {key: os.environ.get(key, "") for key in GIVEN}
    wanted = Wanted(
        down=sys.argv[1:] == ["down"],
        level=given["LEVEL"],
        module=given["MODULE"],
        template=given["TEMPLATE"],
        ci_provider=given["CI_PROVIDER"],
        source=given["SOURCE"],
        answers={name: os.environ[key] for key, name in ANSWERED.items() if os.environ.get(key)},
        removal=given["REMOVE"] == "yes",
        dry=given["DRY_RUN"] == "yes",
        without_example=sys.argv[1:] == ["without-example"],
    )
    try:
        sys.exit(check_pages(wanted) if sys.argv[1:] == ["docs-check"] else move(wanted))
    except Refused as refused:
        say(str(refused))
        sys.exit(1)


if __name__ == "__main__":
    main()
