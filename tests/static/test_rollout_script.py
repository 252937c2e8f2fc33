"""What a roll-out says when not everything starts: whoever deploys acts on it."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from extensions.stages import TEMPLATE

IMAGES = SimpleNamespace(
    config={"services": {}},
    before={"shop/business_api": "sha256:1", "shop/data_postgres_api": "sha256:2"},
    references={name: f"shop/{name}" for name in ("business_api", "data_postgres_api")},
    followers=[],
    gone=[],
    remember=lambda: None,
    fetch=lambda _: None,
    keep=lambda: None,
)


def test_a_version_of_one_service_alone_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose takes no number for a service that it was not asked for."""
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    monkeypatch.chdir(tmp_path)
    program = runpy.run_path(str(TEMPLATE / "make/rollout.py"))["main"].__globals__
    created: list[tuple[str, ...]] = []
    there = {"business_api": "b1 b2", "data_postgres_api": "d1 d2"}

    def compose(verb: str, *arguments: str) -> str:
        if verb == "create":
            created.append(arguments)
            there["data_postgres_api"] += " d3 d4"
        return there[arguments[-1]] if verb == "ps" else ""

    program["compose"] = compose
    services = {name: {"deploy": {"replicas": 2}} for name in there}
    rollout = program["Rollout"]({"services": services}, {})
    rollout.create(["data_postgres_api"])
    ((*options, first, second),) = created
    assert {first, second} == there.keys()
    assert "business_api=2" in options
    assert "data_postgres_api=4" in options
    assert rollout.new == {"data_postgres_api": [{"Id": "d3"}, {"Id": "d4"}]}


@pytest.mark.parametrize(("wanted", "is_changed"), [(2, False), (3, True), (1, True)])
def test_another_number_of_replicas_is_a_change(
    monkeypatch: pytest.MonkeyPatch, wanted: int, is_changed: bool
) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    program = runpy.run_path(str(TEMPLATE / "make/rollout.py"))["main"].__globals__
    program["compose"] = lambda *_: "business_api abc"
    program["image_id"] = lambda _: "sha256:1"
    labels = {"Labels": {"com.docker.compose.config-hash": "abc"}}
    running = [{"Image": "sha256:1", "Config": labels}] * 2
    services = {"business_api": {"deploy": {"replicas": wanted}}}
    images = SimpleNamespace(
        config={"services": services}, references={"business_api": "shop/business_api"}
    )
    assert program["changed"]("business_api", running, images, []) == is_changed


def test_what_an_earlier_version_did_not_have_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    monkeypatch.chdir(tmp_path)
    program = runpy.run_path(str(TEMPLATE / "make/rollout.py"))["main"].__globals__
    asked: list[str] = []

    def compose(verb: str, *_: str) -> str:
        asked.append(verb)
        if verb == "up":
            raise program["CommandError"]("No module named outbox.")
        return ""

    program["compose"] = compose
    assert not program["follow"](["outbox_relay", "business_worker"], ["business_worker"])
    assert asked == ["stop", "up", "stop"]
    assert "It does not start outbox_relay, stopped now." in capsys.readouterr().err


def test_what_a_version_does_not_know_may_stay_but_not_unsaid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    monkeypatch.chdir(tmp_path)
    program = runpy.run_path(str(TEMPLATE / "make/rollout.py"))["main"].__globals__

    def compose(*arguments: str) -> str:
        if "--remove-orphans" in arguments:
            raise program["CommandError"]("No such network.")
        return ""

    program["compose"] = compose
    assert not program["follow"](["outbox_relay"], [])
    assert "may still run" in capsys.readouterr().err


def test_what_an_earlier_version_did_not_have_is_removed_from_a_swarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    program = runpy.run_path(str(TEMPLATE / "make/swarm.py"))["back"].__globals__
    known = {"PreviousSpec": {"Name": "shop"}}
    asked: list[tuple[str, ...]] = []
    monkeypatch.setitem(program, "compose", lambda *_: '{"name": "shop"}')
    monkeypatch.setitem(program, "inspect", lambda name: {} if "worker" in name else known)
    monkeypatch.setitem(program, "run", lambda *command: asked.append(command))
    monkeypatch.setitem(program, "roll_back", lambda _, services: asked.append(tuple(services)))
    followers = ["outbox_relay", "business_worker"]
    monkeypatch.setitem(program, "Images", lambda _: SimpleNamespace(followers=followers))
    program["back"]()
    assert asked == [
        ("outbox_relay", "business_api", "data_postgres_api"),
        ("docker", "service", "rm", "shop_business_worker"),
    ]


@pytest.mark.parametrize("others_start", [True, False])
@pytest.mark.parametrize("rolls", [True, False])
def test_it_says_that_a_version_serves_when_it_does(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rolls: bool,
    others_start: bool,
) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["rollout.py", "1.0.0"])
    monkeypatch.setenv("ROLLED_OUT", str(tmp_path / "rolled-out"))
    names = runpy.run_path(str(TEMPLATE / "make/rollout.py"))
    program = names["main"].__globals__

    def up(*_: object) -> None:
        if not others_start:
            raise program["CommandError"]("The broker does not start.")

    stand_ins: dict[str, Any] = {
        "Images": lambda _: IMAGES,
        "compose": lambda *_: "{}",
        "containers": lambda _: [{"Id": "1"}] if rolls else [],
        "readers": lambda *_: [],
        "roll": lambda *_: None,
        "up": up,
    }
    program |= stand_ins
    assert program["main"]() == (0 if others_start else 2)
    assert (tmp_path / "rolled-out").exists() == (rolls or others_start)
    said = capsys.readouterr().err
    assert ("The services run the new version" in said) == (rolls and not others_start)
    assert ("Not everything starts." in said) == (not rolls and not others_start)


def test_what_is_built_and_has_no_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    images = runpy.run_path(str(TEMPLATE / "make/images.py"))["Images"]
    services = {
        "business_api": {"build": {"context": "."}, "image": "shop/business_api:current"},
        "reports": {"build": {"context": "reports"}},
    }
    with pytest.raises(SystemExit, match="No image is named for reports"):
        images({"services": services})
    del services["reports"]
    assert images({"services": services}).built == ["shop/business_api"]


def test_what_others_make_is_pulled_for_all_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "make"))
    program = runpy.run_path(str(TEMPLATE / "make/images.py"))["Images"].fetch.__globals__
    shown: list[tuple[str, ...]] = []
    program |= {"show": lambda *arguments: shown.append(arguments), "run": lambda *_: ""}
    program["image_id"] = lambda reference: "sha256:1" if reference == "redis:8" else ""
    services: dict[str, dict[str, Any]] = {
        "business_api": {"image": "shop/business_api:current", "build": {}},
        "business_worker": {"image": "shop/business_api:current"},
        "redis": {"image": "redis:8"},
        "grafana": {"image": "grafana/grafana:12"},
        "gateway": {"image": "nginx:1.30"},
    }
    for service in ("business_api", "data_postgres_api"):
        services.setdefault(service, {"image": f"shop/{service}:current", "build": {}})
        services[service]["build"] = {"dockerfile": f"services/{service}/Dockerfile"}
    program["DATABASE"] = TEMPLATE / "infrastructure/postgres/Dockerfile"
    program["Images"]({"services": services}).fetch(None)
    assert shown == [("pull", "grafana", "gateway"), ("build", "--quiet")]
