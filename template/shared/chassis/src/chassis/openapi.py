"""What the OpenAPI document says about the service itself."""

from importlib.metadata import metadata

from fastapi import FastAPI

from chassis.app import Feature

TAGS = [{"name": "health", "description": "Whether the service runs, and whether it can work."}]


def openapi_metadata(distribution: str) -> Feature:
    """Return the feature that takes version, description and contact from `pyproject.toml`."""

    def install(app: FastAPI) -> None:
        about = metadata(distribution)
        app.version = about["Version"]
        app.description = about["Summary"]
        app.openapi_tags = TAGS
        if "Author" in about:
            app.contact = {"name": about["Author"]}

    return install
