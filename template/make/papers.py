"""Check that the papers and the project agree, and say in which file they do not.

Every alert has a line in docs/monitoring.md, every runbook and every target of make that is named
is there, and the log of decisions lists the records as they are.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

RULES = Path("infrastructure/prometheus")
MONITORING = Path("docs/monitoring.md")
# Beside it, a page for each module that has alerts.
PAGES = "monitoring*.md"
RECORDS = Path("docs/adr")
LOG = RECORDS / "README.md"
# Records of the team begin here, so that one that Stagecraft brings later never takes their number.
FIRST_NUMBERS = {1, 101}
# Those of modules have gaps: a project has some of them and not others.
OF_MODULES = range(51, 101)
STATUS = re.compile(r"proposed|accepted|rejected|deprecated|superseded by (\d{4})")
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^|(?<=\n\n))(?: {4,}\S.*\n)+")


def read(path: Path) -> str:
    """Return the text of a file; nothing when it is not there, which others report."""
    return path.read_text() if path.is_file() else ""


# --- Alerts and runbooks ------------------------------------------------------------------------


def rule_files() -> list[Path]:
    """Return the files that may hold alerts, without their tests."""
    found = sorted(RULES.glob("**/*.yml"))
    return [path for path in found if "tests" not in path.parts and ".test." not in path.name]


def alerts_wrong() -> Iterator[str]:
    """Compare the alerts with the lines of the table, and look for the runbooks."""
    pages = "".join(read(path) for path in sorted(MONITORING.parent.glob(PAGES)))
    listed = set(re.findall(r"^\| `(\w+)` \|", pages, re.MULTILINE))
    alerts: set[str] = set()
    for path in rule_files():
        text = path.read_text()
        named = re.findall(r"^ *- alert: *[\"']?(\w+)", text, re.MULTILINE)
        alerts |= set(named)
        for alert in named:
            if alert not in listed:
                yield f"{path}: {alert} has no line in {MONITORING}. Say there what to do about it."
        for runbook in re.findall(r"^ *runbook: *[\"']?([^\s\"']+)", text, re.MULTILINE):
            if not runbook.startswith("http") and not Path(runbook).is_file():
                yield f"{path}: the runbook {runbook} is not there. Write it, or name another page."
    for alert in sorted(listed - alerts):
        yield f"{MONITORING}: {alert} is no alert of {RULES}. Take its line out, or add the alert."


# --- Targets of make ----------------------------------------------------------------------------


def targets() -> set[str]:
    """Return the targets that the project offers."""
    files = [Path("Makefile"), *sorted(Path("make").glob("*.mk"))]
    text = "\n".join(map(Path.read_text, files)).replace("\\\n", " ")
    declared = re.findall(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    return {target for line in declared for target in line.split()}


def code_of(text: str) -> Iterator[str]:
    """Yield the lines of a document's code for a shell, and what is between backticks."""
    blocks = [body for language, body in FENCED.findall(text) if language in ("", "bash", "sh")]
    rest = FENCED.sub("", text)
    blocks += INDENTED.findall(rest)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            yield line
            yield from re.findall(r"\$\(([^()]*)\)", line)
    for inline in re.findall(r"`([^`]+)`", INDENTED.sub("", rest)):
        if re.match(r"make\s", inline):
            yield " ".join(inline.split())


def words_of(line: str) -> list[str]:
    """Return the words of a line as a shell splits it, or at its spaces where quotes are open."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return line.split()


def named_targets(line: str) -> Iterator[str]:
    """Yield the targets that a line of code gives to make."""
    of_make, at_the_start = False, True
    for word in words_of(line):
        if word.startswith("#"):
            return
        if set(word) <= set("|&;<>"):
            of_make, at_the_start = False, True
        elif at_the_start:
            of_make, at_the_start = word == "make", False
        elif of_make and not word.startswith("-") and "=" not in word:
            yield word


def documents() -> list[Path]:
    """Return what people read."""
    return [Path("README.md"), Path("AGENTS.md"), *sorted(Path("docs").glob("**/*.md"))]


def targets_wrong() -> Iterator[str]:
    """Look for the targets that documents name."""
    known = targets()
    for path in documents():
        named = {target for line in code_of(read(path)) for target in named_targets(line)}
        for target in sorted(named - known):
            yield f'{path}: there is no target "{target}". "make" lists those that there are.'


# --- Decision records ---------------------------------------------------------------------------


def records() -> dict[str, list[Path]]:
    """Return the records by their four digits; what is no record has none."""
    found: dict[str, list[Path]] = {}
    for path in sorted(RECORDS.glob("*.md")):
        if path != LOG:
            number = re.match(r"(\d{4})-[a-z0-9-]+\.md$", path.name)
            found.setdefault(number[1] if number else "", []).append(path)
    return found


def numbers_wrong() -> Iterator[str]:
    """Look for names that are none, and for numbers that are missing or there twice."""
    found = records()
    for path in found.pop("", []):
        yield f"{path}: call it by four digits and a title, such as 0101-our-first-decision.md."
    for number, paths in found.items():
        if len(paths) > 1:
            files = ", ".join(map(str, paths))
            yield f"{RECORDS}: {number} is there twice: {files}. Give one the next number."
        if int(number) in FIRST_NUMBERS or int(number) in OF_MODULES:
            continue
        if f"{int(number) - 1:04}" not in found:
            yield (
                f"{RECORDS}: there is a {number} and no {int(number) - 1:04}. Numbers have no gap;"
                " what is not valid any more stays, with another status."
            )


def title_and_status(path: Path) -> tuple[str, str]:
    """Return what a record says of itself: its title and its status."""
    text = read(path)
    title = re.match(r"# (\d+)\. (.+)\n", text)
    status = re.search(r"^Status: (.+)$", text, re.MULTILINE)
    number = int(path.name[:4])
    return (
        title[2].strip() if title and int(title[1]) == number else "",
        status[1].strip() if status else "",
    )


def records_wrong() -> Iterator[str]:
    """Compare the log with the records."""
    found = records()
    row = r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \| (.+?) \|$"
    rows = {name: (title, status) for _, name, title, status in re.findall(row, read(LOG), re.M)}
    there = [path for number, paths in found.items() if number for path in paths]
    for path in there:
        title, status = title_and_status(path)
        if not title:
            yield f'{path}: the first line is to be "# {int(path.name[:4])}. " and the title.'
        known = STATUS.fullmatch(status)
        if not known:
            yield (
                f'{path}: the status "{status}" is not known. Write a line "Status: " with'
                " proposed, accepted, rejected, deprecated, or superseded by and the number."
            )
        elif known[1] and known[1] not in found:
            yield f"{path}: it is superseded by {known[1]}, which is not there."
        if path.name not in rows:
            yield f"{LOG}: {path.name} has no line. Add it to the table."
        elif title and rows[path.name] != (title, status):
            said = " and ".join(rows[path.name])
            yield f"{LOG}: it says {said} of {path.name}, which says {title} and {status}."
    for name in sorted(rows.keys() - {path.name for path in there}):
        yield f"{LOG}: {name} is not there. Records are never deleted: bring it back."


def main() -> int:
    """Print what is wrong and return 1, or say that nothing is."""
    checks = (alerts_wrong, targets_wrong, numbers_wrong, records_wrong)
    wrong = [message for check in checks for message in check()]
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    print("Alerts, runbooks, targets and decision records are as the papers say.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
