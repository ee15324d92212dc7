"""The container image and the files that deploy it: what the image holds is enough, and all name the same commands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from precast_app.config import Settings
from tests.conftest import EXAMPLES, ROOT
from tests.live_site import Installation, started

SECRETS = ("DATABASE_URL", "SECRET_KEY")


def instructions(name: str) -> list[str]:
    """Return the arguments of an instruction in the last stage of the Dockerfile."""
    last_stage = re.split(r"(?m)^FROM ", (ROOT / "Dockerfile").read_text().replace("\\\n", ""))[-1]
    return re.findall(rf"(?m)^{name} (.*)$", last_stage)


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def container_environment(secrets: Path) -> dict[str, str]:
    """Return what the image and compose.yaml set for a process, without a file `.env`; its secrets are in a folder."""
    of_image = dict(word.split("=", 1) for word in instructions("ENV")[0].split())
    of_image.pop("PATH")
    of_service = {
        name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value).replace("/run/secrets", str(secrets))
        for name, value in compose()["x-app"]["environment"].items()
    }
    return {**of_image, **of_service}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return a folder with what the Dockerfile copies from a checkout."""
    folder = tmp_path / "app"
    folder.mkdir()
    for arguments in instructions("COPY"):
        *sources, target = arguments.split()
        for source in [] if sources[0].startswith("--from") else sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / source, folder / target / source)
    return folder


def test_what_the_image_holds_is_enough(image: Path, empty_database: dict[str, str], tmp_path: Path) -> None:
    """The commands of compose.yaml run in a folder like the image's, with secrets in files, and write nothing there."""
    environment = {**empty_database, **container_environment(tmp_path), "REDIS_URL": empty_database["REDIS_URL"]}
    for name in SECRETS:
        Path(environment[f"{name}_FILE"]).write_text(environment.pop(name) + "\n")
    services = compose()["services"]
    (web,) = instructions("CMD")
    installation = Installation(
        release=shlex.join(services["migrate"]["command"]),
        web=shlex.join(json.loads(web)),
        worker=shlex.join(services["worker"]["command"]),
        flask="flask",
        folder=image,
        programs=ROOT / ".venv" / "bin",
    )
    before = sorted(image.rglob("*"))
    (check,) = instructions("HEALTHCHECK")
    command = json.loads(check[check.index("CMD") + len("CMD") :])
    with started(environment, installation) as site:
        port = site.address.rpartition(":")[2]
        # As in the image, `python` is that of the virtual environment.
        of_check = {**environment, "PORT": port, "PATH": f"{installation.programs}:{environment['PATH']}"}
        subprocess.run(command, env=of_check, check=True)
        project = site.project("Green Meadows")
        job = site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")
        assert site.follow(job["job_id"])[-1]["result"] == "Successfully processed 120 elements"
    assert subprocess.run(command, env=of_check, check=False, capture_output=True).returncode != 0
    assert sorted(image.rglob("*")) == before


def test_compose_yaml_follows_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_with_extras_has_the_other_images_packages_and_those_of_the_extras() -> None:
    """Each of its packages has the version that the tests run with."""
    plain, telemetry, tested = (
        set(re.findall(r"(?m)^([\w.-]+==\S+)", (ROOT / f"requirements{suffix}.txt").read_text()))
        for suffix in ("", "-telemetry", "-dev")
    )
    assert plain < telemetry < tested
    names = {pin.split("==")[0] for pin in telemetry - plain}
    assert {"sentry-sdk", "opentelemetry-sdk", "opentelemetry-instrumentation-flask"} <= names


def test_every_way_to_deploy_runs_the_commands_of_the_procfile() -> None:
    procfile = dict(line.split(": ") for line in (ROOT / "Procfile").read_text().splitlines())
    expected = {name: shlex.split(command) for name, command in procfile.items()}
    services = compose()["services"]
    assert services["migrate"]["command"] == expected["release"]
    assert services["worker"]["command"] == expected["worker"]
    assert json.loads(instructions("CMD")[0]) == expected["web"]
    containers = [
        container["command"]
        for path in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document["kind"] != "Service"
        for container in document["spec"]["template"]["spec"]["containers"]
    ]
    assert sorted(containers) == sorted(expected.values())


def test_the_files_name_only_settings_that_exist() -> None:
    known = {name.upper() for name in Settings.__dataclass_fields__} | {"PORT", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    environment = compose()["x-app"]["environment"]
    # The container's variable is set by the one of the same name in the file `.env`.
    assert {name for name, value in environment.items() if "$" in value and value != f"${{{name}:-}}"} == set()
    named = {name.removesuffix("_FILE") for name in environment}
    named |= set(json.loads((ROOT / "app.json").read_text())["env"])
    assert named <= known


def test_the_systemd_units_run_the_commands_of_the_wheel() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    commands = re.findall(r"(?m)^(\S+) =", setup["options.entry_points"]["console_scripts"])
    for path in (ROOT / "deploy" / "systemd").glob("*.service"):
        (program,) = re.findall(r"(?m)^ExecStart=/opt/precast/bin/(\S+)$", path.read_text())
        assert program in commands
