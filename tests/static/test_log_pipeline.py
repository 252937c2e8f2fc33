"""The logs of level 4 by their files: every line gets somewhere, and fits where it gets.

`tests/support/collector.py` interprets the configuration of Filebeat, Logstash and Elasticsearch;
`tests/support/elastic.py` answers the set-up script over HTTP.
"""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.stages import Combination
from tests.support.collector import (
    DOCKERS_TIME,
    ELK,
    REJECTED,
    SERVICES,
    STREAMS,
    TEXT,
    UNPARSED,
    Collector,
    Printed,
)
from tests.support.elastic import BROKEN_OFF, WELL, Elastic, elastic
from tests.support.logstash import Pipeline, Plugin, UnknownConfigurationError
from tests.support.mapping import Mapping, RefusedError, UnknownMappingError
from tests.support.matrix import ALL
from tests.support.project import outer_environment, render


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered project of level 4."""
    return render(tmp_path_factory.mktemp("logs") / "shop", Combination(4, ALL))


@pytest.fixture(scope="module")
def collector(folder: Path) -> Collector:
    return Collector.of(folder)


def by(service: str, line: str, *, json_lines: bool = True) -> Printed:
    attributes = {"com.docker.compose.project": "shop", "com.docker.compose.service": service}
    return Printed(line, attributes | ({"logs.format": "json"} if json_lines else {}))


# --- lines that nobody expects


def service_line(**fields: object) -> str:
    usual = {
        "event": "request",
        "level": "info",
        "logger": "chassis.access",
        "timestamp": "2026-11-23T11:59:59.123456Z",
        "service": "business_api",
    }
    return json.dumps(usual | fields)


NESTED: dict[str, Any] = {}

for _ in range(30):
    NESTED = {"deeper": NESTED or 1}

ADVERSE = {
    "text": ("Killed", UNPARSED),
    "nothing": ("", UNPARSED),
    "half JSON": (service_line()[:40], UNPARSED),
    "an array": ('[{"event": "request"}]', UNPARSED),
    "a number": ("17", UNPARSED),
    "null": ("null", UNPARSED),
    "no JSON, though it looks so": ('{"duration_ms": NaN}', UNPARSED),
    "endless nesting": ('{"a":' * 100_000, UNPARSED),
    "a broken character": ("caf\ufffd", UNPARSED),
    "a broken character within JSON": (service_line(event="caf\ufffd"), SERVICES),
    "half a surrogate pair": (service_line(event="\ud83d"), SERVICES),
    "an empty object": ("{}", SERVICES),
    "a megabyte": (service_line(event="x" * 1_000_000), SERVICES),
    "a megabyte in a field of the team": (service_line(note="x" * 1_000_000), SERVICES),
    "a long path": (service_line(path="/" + "x" * 40_000), SERVICES),
    "a number that is none": (service_line(duration_ms="x"), SERVICES),
    "a number too large": (service_line(status=10**30), SERVICES),
    "a time that is none": (service_line(timestamp="yesterday"), SERVICES),
    "a time that is an object": (service_line(timestamp={"at": 1}), SERVICES),
    "no time": ('{"event": "x"}', SERVICES),
    "fields of the team": (service_line(order={"lines": [{"sku": "a", "n": 1}]}), SERVICES),
    "ten thousand fields": (service_line(**{f"f{n}": n for n in range(10_000)}), SERVICES),
    "names that Logstash gives": (
        service_line(
            **{
                "@timestamp": "x",
                "@metadata": {"format": "text"},
                "data_stream": {"dataset": "system"},
                "container": {"id": 1},
                "log": "x",
                "message": {"a": 1},
                "tags": {"a": 1},
                "extra": 1,
                "line": 1,
                "": "no name",
            }
        ),
        SERVICES,
    ),
    "an object for a word": (service_line(level={"name": "info"}), REJECTED),
    "an object for the service": (service_line(service={"name": "x"}), REJECTED),
    "an object for a number": (service_line(duration_ms={"x": 1}), REJECTED),
    "an object for a path": (service_line(path={"x": 1}), REJECTED),
    "a word for an exception": (service_line(exception="Traceback"), REJECTED),
    "nested too deep": (service_line(deep=NESTED), REJECTED),
    "a null byte in a name": (service_line(**{"a\0b": 1}), REJECTED),
}


@pytest.mark.parametrize(("line", "stream"), ADVERSE.values(), ids=ADVERSE.keys())
def test_no_line_is_lost(collector: Collector, line: str, stream: str) -> None:
    found = collector.collect(by("business_api", line))
    assert found.stream == stream
    assert found.document["message"] == line
    assert found.document["container"] == "business_api"
    assert found.indexed.searchable >= {"@timestamp", "container", "data_stream.dataset"}
    assert found.indexed.unmapped == set()
    if stream == REJECTED:
        assert found.document["reason"].startswith("[")
        assert "reason" in found.indexed.searchable


def test_a_word_where_a_number_should_be_is_kept_and_not_indexed(collector: Collector) -> None:
    found = collector.collect(by("business_api", service_line(duration_ms="x")))
    assert found.indexed.ignored == {"duration_ms"}
    assert found.document["duration_ms"] == "x"


def test_fields_that_contradict_each_other_are_both_taken(collector: Collector) -> None:
    for size in (1, "small", {"width": 2}, [1, {"a": "b"}], True, None):
        found = collector.collect(by("business_api", service_line(size=size)))
        assert found.stream == SERVICES
        assert found.indexed.ignored == set()
        assert found.document["extra"] == {"size": size}


def test_a_time_that_cannot_be_read_is_kept_and_dockers_taken(collector: Collector) -> None:
    found = collector.collect(by("business_api", service_line(timestamp="yesterday")))
    assert found.document["@timestamp"] == DOCKERS_TIME
    assert found.document["extra"] == {"timestamp": "yesterday"}
    assert found.document["tags"] == ["_dateparsefailure"]


def test_text_of_others_stays_text(collector: Collector) -> None:
    for line in ("LOG:  ready", '{"request_id": "x", "status": {}}', "", "[1]"):
        found = collector.collect(by("gateway", line, json_lines=False))
        assert (found.stream, found.document["message"]) == (TEXT, line)
        assert found.document["@timestamp"] == DOCKERS_TIME
        assert "status" not in found.document


# --- that the two interpreters are strict


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('enrich => "none"', 'enrich => "source_metadata"'),
        ("port => 5044", 'port => "5044"'),
        ("json {", "kv {"),
        ("copy =>", "convert =>"),
        ('target => "line"', 'target => "line" skip_on_invalid_json => true'),
        ('data_stream => "true"', 'data_stream => "auto"'),
        ('"http://elasticsearch:9200"]', '"http://elasticsearch:9200"] pipeline => "x"'),
    ],
)
def test_the_interpreter_knows_what_it_does_not_know(folder: Path, old: str, new: str) -> None:
    text = (folder / ELK / "logstash/pipeline/logs.conf").read_text()
    assert old in text
    with pytest.raises(UnknownConfigurationError):
        Pipeline.parse(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "of",
    [{"type": "geo_point"}, {"type": "keyword", "normalizer": "x"}, {"dynamic": True}],
)
def test_the_mapping_knows_what_it_does_not_know(of: dict[str, object]) -> None:
    with pytest.raises(UnknownMappingError):
        Mapping({"field": of}, True)


@pytest.mark.parametrize(
    ("kind", "good", "malformed"),
    [
        ("date", ["2026-11-23T12:00:00.1Z", 1], ["x", True, 1.5]),
        ("integer", [1, "5", -(2**31)], ["x", 2**31, True]),
        ("long", [2**62], [2**63]),
        ("float", [1, 1.5, "1.5"], ["x", True, 1e300, "NaN"]),
        ("boolean", [True, "false", ""], [1, "yes"]),
        ("ip", ["127.0.0.1", "::1"], ["localhost", 1.5]),
    ],
)
def test_the_mapping_knows_its_types(kind: str, good: list[Any], malformed: list[Any]) -> None:
    moment = {"@timestamp": DOCKERS_TIME}
    for lenient in (True, False):
        mapping = Mapping({"@timestamp": {"type": "date"}, "f": {"type": kind}}, lenient)
        for value in [*good, good]:
            assert "f" in mapping.take(moment | {"f": value}).searchable
        for value in malformed:
            if lenient:
                assert mapping.take(moment | {"f": value}).ignored == {"f"}
            else:
                with pytest.raises(RefusedError):
                    mapping.take(moment | {"f": value})
        with pytest.raises(RefusedError):
            mapping.take(moment | {"f": {"a": 1}})


# --- that the parts fit together


def read_json(file: Path) -> Any:
    return json.loads(file.read_text())


def services_of(folder: Path) -> dict[str, dict[str, Any]]:
    class Loader(yaml.SafeLoader):
        pass

    for tag in ("!reset", "!override"):
        Loader.add_constructor(tag, lambda loader, node: f"{node.tag} {node.value}")
    files = (f"{ELK}/compose.yml", f"{ELK}/compose.prod.yml")
    return {name: yaml.load((folder / name).read_text(), Loader)["services"] for name in files}


def test_every_data_stream_has_a_template_a_policy_and_a_writer(
    folder: Path, collector: Collector
) -> None:
    assert collector.logs.datasets() | collector.rejected.datasets() == STREAMS
    for stream in STREAMS:
        assert collector.mapping(stream).ignore_malformed
    elasticsearch = folder / ELK / "elasticsearch"
    for template in collector.templates.templates.values():
        assert template["data_stream"] == {}
        assert template["priority"] > 100, "Elasticsearch has a template of its own for logs-*-*"
        for pattern in template["index_patterns"]:
            assert any(re.fullmatch(pattern.replace("*", ".*"), stream) for stream in STREAMS)
    setup = (folder / ELK / "setup.sh").read_text()
    settings = collector.templates.component["settings"]
    assert f"/_ilm/policy/{settings['index.lifecycle.name']}" in setup
    for template in collector.templates.templates.values():
        assert [f"/_component_template/{name}" in setup for name in template["composed_of"]] == [
            True
        ]
    # Elasticsearch would keep what it refuses itself, say 201, and no dead letter would be written.
    options = collector.templates.component["data_stream_options"]
    assert options == {"failure_store": {"enabled": False}}
    role = read_json(elasticsearch / "writer-role.json")
    (indices,) = role["indices"]
    assert set(indices["names"]) == STREAMS
    assert set(indices["privileges"]) == {"auto_configure", "create_doc"}
    assert role["cluster"] == ["monitor"]
    phases = read_json(elasticsearch / "lifecycle.json")["policy"]["phases"]
    assert phases.keys() == {"hot", "delete"}
    assert phases["delete"] == {"min_age": "LOG_RETENTION", "actions": {"delete": {}}}


def test_what_is_sent_is_what_is_expected(folder: Path, collector: Collector) -> None:
    (beats,) = collector.logs.inputs
    assert collector.filebeat["output.logstash"] == {"hosts": [f"logstash:{beats.options['port']}"]}
    (letters,) = collector.rejected.inputs
    pipelines = yaml.safe_load((folder / ELK / "logstash/pipelines.yml").read_text())
    services = services_of(folder)[f"{ELK}/compose.yml"]
    paths = {p["path.config"]: p for p in pipelines}
    assert {Path(path).name for path in paths} == {"logs.conf", "rejected.conf"}
    for path in paths:
        assert path.startswith("/usr/share/logstash/pipeline/")
    (source,) = [p for p in pipelines if p.get("dead_letter_queue.enable")]
    assert source["pipeline.id"] == letters.options["pipeline_id"]
    assert source["path.config"].endswith("/logs.conf")
    queue = f"{letters.options['path']}/{letters.options['pipeline_id']}"
    assert f"mkdir -p {queue} " in services["logstash"]["command"][2]
    assert "logstash_data:/usr/share/logstash/data" in services["logstash"]["volumes"]
    assert queue.startswith("/usr/share/logstash/data/dead_letter_queue/")
    settings = yaml.safe_load((folder / ELK / "logstash/logstash.yml").read_text())
    assert settings["queue.type"] == "persisted"
    kibana = yaml.safe_load((folder / ELK / "kibana/kibana.yml").read_text())
    assert kibana["elasticsearch.hosts"] == collector.logs.output.options["hosts"]
    assert collector.logs.output == collector.rejected.output
    assert isinstance(collector.logs.output, Plugin)
    setup = (folder / ELK / "setup.sh").read_text()
    assert f"/_security/user/{collector.logs.output.options['user']}\n" in setup
    assert f"/_security/user/{kibana['elasticsearch.username']}/_password\n" in setup


def test_filebeat_loses_no_file(collector: Collector) -> None:
    (reader,) = collector.filebeat["filebeat.inputs"]
    assert reader["paths"] == ["/var/lib/docker/containers/*/*-json.log*"], "the rotated ones too"
    # A file is known by how it begins, and read to its end when it is removed.
    assert {key for key in reader if "identity" in key} == {"file_identity.fingerprint"}
    assert reader["prospector.scanner.fingerprint"] == {"enabled": True, "length": 512}
    assert reader["close.on_state_change.removed"] is False
    assert reader["clean_removed"] is False
    assert reader["parsers"] == [{"container": {"stream": "all", "format": "docker"}}]


def test_compose_mounts_what_is_there_and_publishes_nothing(folder: Path) -> None:
    files = services_of(folder)
    services, production = files[f"{ELK}/compose.yml"], files[f"{ELK}/compose.prod.yml"]
    assert services.keys() == WELL.keys()
    versions = {service["image"].rsplit(":")[-1] for service in services.values()}
    assert len(versions) == 1, "all parts of the stack are of one version"
    for name, service in services.items():
        assert service["profiles"] == ["logs"]
        assert production[name]["profiles"] == "!reset []"
        for mount in service.get("volumes", []):
            source = mount["source"] if isinstance(mount, dict) else mount.split(":")[0]
            assert not source.startswith("./") or (folder / ELK / source).exists(), source
            assert "docker.sock" not in source
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
        # Of its own lines it says nothing to Filebeat, or each would bring another.
        assert "labels" not in production[name]["logging"]["options"]
    assert [name for name, service in services.items() if "ports" in service] == ["kibana"]
    assert production["kibana"]["ports"] == "!reset []"
    for name in ("elasticsearch", "logstash", "kibana"):
        assert "healthcheck" in services[name]


def test_what_collects_lines_needs_nothing_of_kibana(folder: Path) -> None:
    services = services_of(folder)[f"{ELK}/compose.yml"]

    def needs(name: str) -> set[str]:
        found = services[name].get("depends_on", {})
        required = [
            other
            for other in found
            if isinstance(found, list) or found[other].get("required", True)
        ]
        return set(required).union(*(needs(other) for other in required))

    assert needs("logstash") == {"elk_setup", "elasticsearch"}
    assert needs("filebeat") == set()
    assert needs("kibana_setup") == {"kibana", "elasticsearch"}


def saved_objects(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    lines = (folder / ELK / "kibana/saved-objects.ndjson").read_text().splitlines()
    objects = [json.loads(line) for line in lines]
    found = {(one["type"], one["id"]): one for one in objects}
    assert len(found) == len(objects)
    return found


def queries(value: Any) -> Iterator[str]:
    """Every query in the language of Kibana, at any depth."""
    if isinstance(value, dict):
        if value.get("language") == "kuery":
            yield value["query"]
        for each in value.values():
            yield from queries(each)
    elif isinstance(value, list):
        for each in value:
            yield from queries(each)


def test_the_dashboard_without_kibana_refers_to_what_there_is(
    folder: Path, collector: Collector
) -> None:
    objects = saved_objects(folder)
    known = {name: of["type"] for s in STREAMS for name, of in collector.mapping(s).fields()}
    for one in objects.values():
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in objects, one["id"]
    (view,) = [one for (kind, _), one in objects.items() if kind == "index-pattern"]
    assert set(view["attributes"]["title"].split(",")) == STREAMS
    assert known[view["attributes"]["timeFieldName"]] == "date"

    used: set[str] = set()
    for (kind, _), one in objects.items():
        attributes = one["attributes"]
        source = attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}")
        for query in queries([json.loads(source), attributes]):
            used |= set(re.findall(r"([\w.@]+):", query))
        if kind == "search":
            used |= {*attributes["columns"], *(name for name, _ in attributes["sort"])}
        if kind == "lens":
            state = attributes["state"]
            ((layer_id, layer),) = state["datasourceStates"]["formBased"]["layers"].items()
            names = [reference["name"] for reference in one["references"]]
            assert names == [f"indexpattern-datasource-layer-{layer_id}"]
            columns = layer["columns"]
            assert list(columns) == layer["columnOrder"]
            shown = json.dumps(state["visualization"])
            assert all(f'"{column}"' in shown for column in columns), one["id"]
            for column in columns.values():
                field = column["sourceField"]
                assert (column["operationType"] == "count") == (field == "___records___")
                used |= {field} - {"___records___"}
                order = column.get("params", {}).get("orderBy", {}).get("columnId")
                assert order is None or order in columns
                # What is grouped has values of its own, what is measured is a number.
                wanted = {"terms": {"keyword"}, "date_histogram": {"date"}, "percentile": {"float"}}
                operation = column["operationType"]
                assert operation == "count" or known[field] in wanted[operation]
    assert used - known.keys() == set()
    assert used >= {"level", "route", "duration_ms", "request_id", "trace_id", "service"}

    (dashboard,) = [one for (kind, _), one in objects.items() if kind == "dashboard"]
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    shown_names = {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels}
    assert shown_names == {reference["name"] for reference in dashboard["references"]}
    assert len(panels) == len(objects) - 2, "each panel is shown"
    taken = Counter(
        (x, y)
        for panel in panels
        for x in range(panel["gridData"]["x"], panel["gridData"]["x"] + panel["gridData"]["w"])
        for y in range(panel["gridData"]["y"], panel["gridData"]["y"] + panel["gridData"]["h"])
    )
    assert set(taken.values()) == {1}, "panels overlap"
    assert {x for x, _ in taken} == set(range(48))


# --- the set-up script

SECRETS = {
    "ELASTIC_PASSWORD": 'ela"stic\\1',
    "KIBANA_PASSWORD": 'kib"ana',
    "LOGSTASH_PASSWORD": "log\\stash $HOME",
}

# In this order: nothing may be written before there is a template for it.
ASKED_OF_ELASTICSEARCH = [
    ("PUT", "/_ilm/policy/log-lines"),
    ("PUT", "/_component_template/log-lines"),
    ("PUT", "/_index_template/log-lines-services"),
    ("PUT", "/_index_template/log-lines-text"),
    ("PUT", "/_security/role/log_writer"),
    ("PUT", "/_security/user/log_writer"),
    ("PUT", "/_security/user/kibana_system/_password"),
]

ASKED_OF_KIBANA = [
    ("GET", "/api/status"),
    ("POST", "/api/saved_objects/_import?overwrite=true"),
]

PARTS = {"elasticsearch": ASKED_OF_ELASTICSEARCH, "kibana": ASKED_OF_KIBANA}

ASKED = [(part, path) for part, asked in PARTS.items() for _, path in asked]


@pytest.fixture
def server() -> Iterator[Elastic]:
    with elastic(SECRETS["ELASTIC_PASSWORD"]) as one:
        yield one


def set_up(
    folder: Path, server: Elastic, environment: dict[str, str], part: str = "elasticsearch"
) -> subprocess.CompletedProcess[str]:
    # Each part is told no more than it is in its container.
    where = {f"{part.upper()}_URL": server.url}
    if part == "elasticsearch":
        where["LOG_RETENTION"] = "30d"
    else:
        environment = {k: v for k, v in environment.items() if k.startswith("ELASTIC_PASSWORD")}
    script = ["sh", str(folder / ELK / "setup.sh"), part]
    clean = {key: value for key, value in outer_environment().items() if key not in SECRETS}
    return subprocess.run(
        script, env=clean | where | environment, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(params=["environment", "files"])
def secrets(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The secrets as development has them, and as production."""
    if request.param == "environment":
        return SECRETS
    for name, value in SECRETS.items():
        (tmp_path / name.lower()).write_text(value)
    return {f"{name}_FILE": str(tmp_path / name.lower()) for name in SECRETS}


def test_the_set_up_asks_for_everything_and_twice_for_the_same(
    folder: Path, server: Elastic, secrets: dict[str, str]
) -> None:
    for _ in range(2):
        for part in PARTS:
            done = set_up(folder, server, secrets | {"LOG_RETENTION": "7d"}, part)
            assert done.returncode == 0, done.stderr
            assert not any(secret in done.stdout + done.stderr for secret in SECRETS.values())
    asked = ASKED_OF_ELASTICSEARCH + ASKED_OF_KIBANA
    assert [(r.method, r.path) for r in server.requests] == asked * 2
    first, second = server.requests[: len(asked)], server.requests[len(asked) :]
    # The form has a boundary that is made anew each time.
    assert [r.body for r in first[:-1]] == [r.body for r in second[:-1]]
    files = folder / ELK / "elasticsearch"
    sent = {r.path: json.loads(r.body) for r in first if r.method == "PUT"}
    phases = sent["/_ilm/policy/log-lines"]["policy"]["phases"]
    assert phases["delete"]["min_age"] == "7d"
    assert sent["/_component_template/log-lines"] == read_json(files / "every-line.json")
    assert sent["/_index_template/log-lines-services"] == read_json(files / "services.json")
    assert sent["/_index_template/log-lines-text"] == read_json(files / "text.json")
    assert sent["/_security/role/log_writer"] == read_json(files / "writer-role.json")
    assert sent["/_security/user/log_writer"] == {
        "password": SECRETS["LOGSTASH_PASSWORD"],
        "roles": ["log_writer"],
    }
    password = sent["/_security/user/kibana_system/_password"]
    assert password == {"password": SECRETS["KIBANA_PASSWORD"]}
    assert (folder / ELK / "kibana/saved-objects.ndjson").read_bytes() in first[-1].body
    assert b'name="file"; filename="saved-objects.ndjson"' in first[-1].body


@pytest.mark.parametrize("answer", [503, BROKEN_OFF])
@pytest.mark.parametrize(("part", "path"), ASKED)
def test_the_set_up_waits_for_a_server_that_starts(
    folder: Path, server: Elastic, part: str, path: str, answer: int
) -> None:
    server.failures[path] = answer, b"not yet", 1
    done = set_up(folder, server, SECRETS, part)
    assert done.returncode == 0, done.stderr
    assert [(r.method, r.path) for r in server.requests] == PARTS[part]


@pytest.mark.parametrize(("part", "path"), ASKED)
def test_the_set_up_stops_with_the_servers_reason(
    folder: Path, server: Elastic, part: str, path: str
) -> None:
    server.failures[path] = 400, b'{"error": "unknown setting [index.colour]"}', 1_000
    done = set_up(folder, server, SECRETS, part)
    assert done.returncode != 0
    assert path in done.stderr
    assert "unknown setting [index.colour]" in done.stderr
    taken = [(r.method, r.path) for r in server.requests]
    assert taken == PARTS[part][: [p for _, p in PARTS[part]].index(path)]


def test_the_set_up_stops_when_the_dashboard_is_not_imported(folder: Path, server: Elastic) -> None:
    reason = (
        b'{"successCount":0,"success":false,"errors":[{"error":{"type":"missing_references"}}]}'
    )
    server.failures["/api/saved_objects/_import?overwrite=true"] = 200, reason, 1
    done = set_up(folder, server, SECRETS, "kibana")
    assert done.returncode != 0
    assert "missing_references" in done.stderr


@pytest.mark.parametrize("part", PARTS)
def test_the_set_up_stops_with_a_wrong_password(folder: Path, server: Elastic, part: str) -> None:
    done = set_up(folder, server, SECRETS | {"ELASTIC_PASSWORD": "wrong"}, part)
    assert done.returncode != 0
    assert "unable to authenticate user [elastic]" in done.stderr
    assert server.requests == []


@pytest.mark.parametrize("value", ["30", "d", "0d", "-1d", "1 d", "30h", "", "3/0d", "30dd"])
def test_a_retention_that_makes_no_sense_is_refused(
    folder: Path, server: Elastic, value: str
) -> None:
    done = set_up(folder, server, SECRETS | {"LOG_RETENTION": value})
    assert done.returncode != 0
    assert f'LOG_RETENTION in .env: "{value}" is no number of days such as 30d' in done.stderr
    assert server.requests == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_missing_is_named(folder: Path, server: Elastic, name: str) -> None:
    done = set_up(folder, server, SECRETS | {name: ""})
    assert done.returncode != 0
    assert f"{name} has no value." in done.stderr
    assert server.requests == []
