"""A migration while the service runs: no request is answered with an error."""

from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

PRICE = {"amount": "4.50", "currency": "EUR"}
ORDER: dict[str, Any] = {
    "lines": [{"sku": "TEA", "quantity": 1, "unit_price": PRICE}],
    "total": PRICE,
}


async def test_statements_that_are_older_than_the_schema_are_prepared_again(
    data_api: TestClient, engine: AsyncEngine
) -> None:
    path = f"/api/v1/orders/{uuid4()}"
    change = {"status": "cancelled", "version": 1}
    data_api.put(path, json=ORDER)
    for size in (32, 16):
        assert data_api.get(path).status_code == 200
        async with engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE orders ALTER status TYPE varchar({size})"))
        # One that reads, and one with a body, which is read once and used twice.
        assert data_api.get(path).status_code == 200
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE orders ALTER currency TYPE varchar(4)"))
            await connection.execute(text("ALTER TABLE orders ALTER currency TYPE varchar(3)"))
        assert data_api.put(f"{path}/status", json=change).status_code == 200
    await engine.dispose()  # its other connections have statements of before
