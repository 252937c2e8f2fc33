"""The data service over HTTP on a real PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from fastapi.testclient import TestClient

from tests.notes import BODY, PATH


def test_of_two_racing_creations_one_is_new(data_api: TestClient) -> None:
    path = f"{PATH}/{uuid4()}"
    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(lambda _: data_api.put(path, json=BODY).status_code, range(4)))
    assert answers == [200, 200, 200, 201]


def test_nothing_is_written_when_a_request_is_refused(data_api: TestClient) -> None:
    path = f"{PATH}/{uuid4()}"
    assert data_api.put(path, json=BODY | {"text": ""}).status_code == 422
    assert data_api.get(path).status_code == 404


def test_it_is_ready_when_postgres_is(data_api: TestClient) -> None:
    assert data_api.get("/ready").json() == {"status": "ready", "checks": ["postgres"]}
