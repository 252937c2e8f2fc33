"""Draws the tables of README.md from stages.yml, for `make docs`; a test compares them."""

import re

from extensions.stages import ROOT, Rules, load

README = ROOT / "README.md"


def levels_table(rules: Rules) -> str:
    """Return what each level adds, sub-stage by sub-stage, as a table in Markdown."""
    lines = ["| Level | For | Adds | Coverage |", "| --- | --- | --- | --- |"]
    for level in rules.levels.values():
        adds = [
            f"**{rule.stage}** " + ", ".join(rule.features)
            for rule in rules.rules
            if rule.level == level.number and rule.module is None and rule.features
        ]
        lines.append(
            f"| {level.number} {level.name} | {level.purpose} "
            f"| {'; '.join(adds)} | {level.coverage} % |"
        )
    return "\n".join(lines)


def modules_table(rules: Rules) -> str:
    """Return the modules in the order of execution, with what each brings by level."""
    lines = ["| Sub-stage | Module | Asked for as | Brings |", "| --- | --- | --- | --- |"]
    for stage in rules.stages:
        if stage.module:
            brings = [
                f"**{rule.level}** " + ", ".join(rule.features)
                for rule in stage.rules
                if rule.features
            ]
            said = "; ".join(brings) or "*to come*"
            lines.append(f"| {stage.id} | {stage.title} | `{stage.module}` | {said} |")
    return "\n".join(lines)


def drawn(text: str) -> str:
    """Return the README with its tables as the rules are now."""
    for name, table in (("levels", levels_table(load())), ("modules", modules_table(load()))):
        begin, end = f"<!-- {name}: drawn from stages.yml by make docs -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{README} has no place for the table of {name}: {begin} ... {end}")
        replacement = f"{begin}\n{table}\n{end}"
        text = pattern.sub(lambda _, new=replacement: new, text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    README.write_text(drawn(README.read_text()))
