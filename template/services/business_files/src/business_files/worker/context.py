"""The dependencies of all background work."""

from dataclasses import dataclass

from business_files.gateway import FilesGateway
from business_files.scanner import Scanner
from business_files.settings import WorkerSettings
from business_files.store import Objects
from chassis.client import ServiceClient


@dataclass(frozen=True, slots=True)
class Work:
    """The rows, the objects, the scanner and the settings."""

    client: ServiceClient
    files: FilesGateway
    objects: Objects
    scanner: Scanner
    settings: WorkerSettings
