"""What a move changes for the people who run the project."""

import re

from moving.collisions import is_compose, purpose, services_of
from moving.forms import env_keys, yaml_of
from moving.repository import Tree

# What `make env` replaces in .env.example.
GENERATED = ("generate", "generate-keys")


def for_operators(base: Tree, new: Tree) -> list[str]:
    """Return what changes for the people who run the project: settings, services and ports."""
    said = []
    old_keys = set(env_keys(base[".env.example"].content)) if ".env.example" in base else set()
    values = dict(
        line.split("=", 1)
        for line in new[".env.example"].content.decode().splitlines()
        if re.match(r"[A-Za-z_]\w*=", line)
    )
    added = [key for key in values if key not in old_keys]
    kinds = {
        "Secrets that `make env` makes": [key for key in added if values[key] in GENERATED],
        "Settings without a value": [key for key in added if not values[key]],
        "Settings with a default": [
            key for key in added if values[key] and values[key] not in GENERATED
        ],
    }
    said += [f"{title}: {', '.join(keys)}" for title, keys in kinds.items() if keys]
    for text, one, other in (("New services", base, new), ("Removed services", new, base)):
        names = sorted(services_of(other).keys() - services_of(one).keys())
        if names:
            said.append(f"{text}: " + ", ".join(names))
    before, now = ports_of(base), ports_of(new)
    if ports := sorted(f"{name} at {port}" for name, port in now - before):
        said.append("Ports that are published: " + ", ".join(ports))
    return said


def ports_of(tree: Tree) -> set[tuple[str, str]]:
    """Return the services that publish a port wherever the project runs, and the port."""
    found = set()
    for path in filter(is_compose, tree):
        if purpose(path) not in ("", "prod"):
            continue
        document = yaml_of(tree[path].content)
        for name, service in ((document or {}).get("services") or {}).items():
            for port in (service or {}).get("ports") or []:
                where = (
                    str(port["published"]) if isinstance(port, dict) else port.rpartition(":")[0]
                )
                if variable := re.search(r"\$\{(\w+):-(\w*)\}$", where):
                    where = f"{variable[2]} ({variable[1]})"
                found.add((name, where))
    return found
