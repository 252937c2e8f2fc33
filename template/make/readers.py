"""Print the services that read a secret that has changed, of those that are to run all the time.

The argument is a file with the names of the secrets; the configuration comes from
`docker compose config --format json`.
"""

import json
import sys
from pathlib import Path

changed = set(Path(sys.argv[1]).read_text().split())
services = json.load(sys.stdin)["services"]
print(
    *(
        name
        for name, service in services.items()
        if service.get("restart", "no") != "no"
        and changed & {secret["source"] for secret in service.get("secrets", [])}
    )
)
