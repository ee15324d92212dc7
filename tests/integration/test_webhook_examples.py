"""The examples of docs/webhooks.md verify what is sent, and reject what was changed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from precast_app.enums import NotificationEvent
from precast_app.extensions import db
from precast_app.models import OutboxMessage
from precast_app.notifications import webhook_delivery, webhooks
from tests.conftest import EXAMPLES, ROOT, run_import

PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRETS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
BODY = json.dumps({"type": "job.completed", "data": {"file_name": "Stäbe.csv"}}, ensure_ascii=False)
DRIVERS = {
    "python": """
import json, sys
secret, headers, body = json.loads(sys.argv[1])
print(json.dumps(verify(secret, headers, body.encode())["type"]))
""",
    "javascript": """
const [secret, headers, body] = JSON.parse(process.argv[2]);
console.log(JSON.stringify(verify(secret, headers, Buffer.from(body)).type));
""",
}


def run(
    language: str, folder: Path, secret: str, headers: dict[str, str], body: str
) -> subprocess.CompletedProcess[str]:
    """Run the page's function on a message."""
    program = sys.executable if language == "python" else shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    script = folder / ("verify.py" if language == "python" else "verify.mjs")
    script.write_text(block + DRIVERS[language], encoding="utf-8")
    given = json.dumps([secret, headers, body])
    return subprocess.run([program, script.name, given], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("language", DRIVERS)
def test_the_examples_verify_messages(language: str, tmp_path: Path) -> None:
    headers = webhook_delivery.signed_headers("msg_1", BODY, SECRETS)
    for secret in SECRETS:
        assert run(language, tmp_path, secret, headers, BODY).stdout.strip() == '"job.completed"'
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1_000)}
    for given, body in (
        (headers, BODY.replace("Stäbe", "Staebe")),
        ({**headers, "webhook-id": "msg_2"}, BODY),
        (old, BODY),
    ):
        assert run(language, tmp_path, SECRETS[0], given, body).returncode != 0


def test_the_example_message_has_the_fields_of_a_message(app: Flask, project_id: int) -> None:
    webhooks.create(project_id, "https://erp.example/", [*NotificationEvent], "ada")
    run_import(project_id, EXAMPLES / "stages.csv", "stage_import")
    sent = db.session.query(OutboxMessage).one().payload
    (block,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)
    shown = json.loads(block)
    assert list(shown) == list(sent)
    assert list(shown["data"]) == list(sent["data"])


def test_every_event_is_explained() -> None:
    assert set(re.findall(r"^\| `(job\.\w+)` \|", PAGE, re.M)) == {*NotificationEvent}
