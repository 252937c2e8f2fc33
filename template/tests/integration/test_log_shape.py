"""What the services log fits Elasticsearch, as infrastructure/elk says it.

A field that has a type there is refused, with its line, when it holds an object, and cannot be
searched when it holds a value of another type. All others are one, `extra`, which takes anything.
"""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from chassis.structured_logging import LogSettings, configure
from tests.notes import BODY, PATH

ELK = Path(__file__).parents[2] / "infrastructure/elk"
TEMPLATE = json.loads((ELK / "elasticsearch/services.json").read_text())
FIELDS: dict[str, Any] = TEMPLATE["template"]["mappings"]["properties"]
PIPELINE = (ELK / "logstash/pipeline/logs.conf").read_text()
# What Logstash takes out of a line, and under which name; the rest of the line becomes "extra".
MOVED: dict[str, str] = dict(re.findall(r'"\[line\]\[(\w+)\]" => "(\w+)"', PIPELINE))

TYPES: dict[str, tuple[type, ...]] = {
    "keyword": (str, int, float, bool),
    "text": (str, int, float, bool),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "date": (str,),
}

log = logging.getLogger("team")


def misfits(value: object, field: dict[str, Any], path: str) -> Iterator[str]:
    """Name every value that is not of the type that its field has."""
    if value is None:
        return
    if isinstance(value, list):
        for each in value:
            yield from misfits(each, field, path)
    elif "properties" in field:
        if isinstance(value, dict):
            for name in value.keys() & field["properties"].keys():
                yield from misfits(value[name], field["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}: {value!r} is no object"
    elif type(value) not in TYPES[field["type"]]:
        yield f"{path}: {value!r} is no {field['type']}"


def log_as_in_production() -> None:
    """Log to what is the standard output now, which a fixture would not see."""
    configure("team", LogSettings(format="json"))


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def unfit(lines: list[dict[str, Any]]) -> list[str]:
    """What does not fit, of all fields of these lines that have a type."""
    return [
        misfit
        for line in lines
        for name in line.keys() & MOVED.keys()
        for misfit in misfits(line[name], FIELDS[MOVED[name]], name)
    ]


def test_every_field_with_a_type_is_taken_out_of_the_line() -> None:
    # Logstash makes these itself.
    assert set(MOVED.values()) == FIELDS.keys() - {"message", "route", "extra"}


def test_what_a_request_logs_fits(
    business_api: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_in_production()
    assert business_api.post(PATH, json=BODY).status_code == 201
    lines = logged(capsys)
    access = [line for line in lines if line["logger"] == "chassis.access"]
    assert {line["status"] for line in access} == {201}
    assert {"method", "path", "duration_ms", "request_id"} <= access[0].keys() & MOVED.keys()
    assert unfit(lines) == []


def test_an_exception_fits(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_in_production()
    try:
        raise ExceptionGroup("two", [ValueError("one"), KeyError("other")])
    except ExceptionGroup as error:
        error.add_note("seen in a test")
        log.exception("failed")
    lines = logged(capsys)
    assert lines[0]["exception"][0]["exc_type"] == "ExceptionGroup"
    assert unfit(lines) == []


# Fields of yours that have got a type: add a line as your code logs it.
@pytest.mark.parametrize(
    "fields",
    [
        {"note_id": "0190", "tags": 3},
        {"note": {"id": "0190", "tags": [{"name": "home"}]}},
    ],
)
def test_fields_of_ours_fit(fields: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    log_as_in_production()
    log.info("note written", extra=fields)
    lines = logged(capsys)
    assert lines[0].items() >= fields.items()
    assert unfit(lines) == []


@pytest.mark.parametrize("fields", [{"status": "done"}, {"path": {"a": 1}}, {"exception": "oh"}])
def test_a_value_of_another_type_is_seen(
    fields: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    log_as_in_production()
    log.info("note written", extra=fields)
    (misfit,) = unfit(logged(capsys))
    assert misfit.startswith(next(iter(fields)))
