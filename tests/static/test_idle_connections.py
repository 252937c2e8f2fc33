"""Who opens a connection gives it up first: a request never meets one that is just being closed."""

import asyncio
import re

import aiohttp

from extensions.stages import TEMPLATE

SERVICES = ("business_api", "data_postgres_api")


async def idle_seconds() -> float:
    """Return for how long the typed client keeps a connection that nobody uses."""
    async with aiohttp.TCPConnector() as connector:
        return float(connector._keepalive_timeout or 0)


def test_a_server_keeps_idle_connections_longer_than_its_clients() -> None:
    client = asyncio.run(idle_seconds())
    gateway = (TEMPLATE / "infrastructure/nginx/templates/gateway.conf.template").read_text()
    upstream = re.search(r"keepalive 32;\n +keepalive_timeout (\d+)s;", gateway)
    assert upstream
    for service in SERVICES:
        command = (TEMPLATE / f"services/{service}/Dockerfile.jinja").read_text()
        server = re.search(r'"--timeout-keep-alive", "(\d+)"', command)
        assert server
        assert int(server[1]) >= max(client, int(upstream[1])) + 5
    dev = (TEMPLATE / "docker-compose.dev.yml").read_text()
    assert dev.count('--timeout-keep-alive, "20"') == len(SERVICES)
