"""What the collector of logs does with lines, by the configuration of a rendered project.

The images of Filebeat, Logstash and Elasticsearch cannot be had everywhere, so their configuration
is interpreted: `logstash.py` reads the pipeline, `mapping.py` the index.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.logstash import Event, Pipeline
from tests.support.mapping import Indexed, Mapping, RefusedError, Templates

ELK = "infrastructure/elk"
SERVICES, TEXT = "logs-services-default", "logs-text-default"
UNPARSED, REJECTED = "logs-unparsed-default", "logs-rejected-default"
STREAMS = {SERVICES, TEXT, UNPARSED, REJECTED}
DOCKERS_TIME = "2026-11-23T12:00:00.123Z"


@dataclass(frozen=True)
class Printed:
    """A line that a container printed, with what Docker writes beside it."""

    line: str
    attributes: dict[str, str]


@dataclass(frozen=True)
class Sorted:
    """Where a line went: the data stream, the document, and what its index made of it."""

    stream: str
    document: dict[str, Any]
    indexed: Indexed


@dataclass(frozen=True)
class Collector:
    """What the configuration of a rendered project does with lines."""

    logs: Pipeline
    rejected: Pipeline
    templates: Templates
    mappings: dict[str, Mapping]
    filebeat: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> "Collector":
        pipelines = folder / ELK / "logstash/pipeline"
        templates = Templates.read(folder / ELK / "elasticsearch")
        return cls(
            Pipeline.read(pipelines / "logs.conf"),
            Pipeline.read(pipelines / "rejected.conf"),
            templates,
            {stream: templates.of(stream) for stream in STREAMS},
            yaml.safe_load((folder / ELK / "filebeat/filebeat.yml").read_text()),
        )

    def mapping(self, stream: str) -> Mapping:
        return self.mappings[stream]

    def reads(self, printed: Printed, project: str) -> bool:
        """Whether Filebeat keeps a line."""
        (reader,) = self.filebeat["filebeat.inputs"]
        (processor,) = reader["processors"]
        (name, value) = next(iter(processor["drop_event"]["when.not.equals"].items()))
        assert value == "${PROJECT}"
        return printed.attributes.get(name.removeprefix("docker.attrs.")) == project

    def collect(self, printed: Printed) -> Sorted:
        """Send a line through Logstash, and what is refused through the dead letter queue."""
        event = Event(
            {
                "@timestamp": DOCKERS_TIME,
                "@version": "1",
                "message": printed.line,
                "stream": "stdout",
                "log": {"offset": 17, "file": {"path": "/var/lib/docker/containers/0/0-json.log"}},
                "docker": {"attrs": dict(printed.attributes)},
                "input": {"type": "filestream"},
                "agent": {"type": "filebeat", "version": "9"},
                "ecs": {"version": "8"},
                "host": {"name": "filebeat"},
            }
        )
        stream, document = self.logs.run(event)
        try:
            return Sorted(stream, document, self.mapping(stream).take(document))
        except RefusedError as error:
            letter = {"dead_letter_queue": {"reason": str(error)}}
            stream, document = self.rejected.run(Event(document, letter))
            # What is refused here is gone: there is no second queue.
            return Sorted(stream, document, self.mapping(stream).take(document))
