"""Labels are scanned with a camera: a film of a label's code is its picture, and the page's own code reads it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import segno
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.auth_headers import PASSWORD
from tests.browser import chromium
from tests.browser.conftest import PHONE
from tests.conftest import EXAMPLES
from tests.live_site import Site

WIDTH, HEIGHT = 640, 480
# Chromium has a BarcodeDetector only on some systems. This one reads the picture that the page gives it.
DETECTOR = """
    window.BarcodeDetector = class {
        async detect(video) {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
            canvas.getContext("2d").drawImage(video, 0, 0);
            return (await window.readCodes(canvas.toDataURL("image/png"))).map((rawValue) => ({ rawValue }));
        }
    };
"""


def write_film(path: Path, code: str) -> Path:
    """Write a film (Y4M) of one picture with the QR code and return its path."""
    picture = io.BytesIO()
    segno.make(code, error="m").save(picture, kind="png", scale=5, border=4)
    qr = Image.open(picture).convert("L")
    sheet = Image.new("L", (WIDTH, HEIGHT), 255)
    sheet.paste(qr, ((WIDTH - qr.width) // 2, (HEIGHT - qr.height) // 2))
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(header + b"FRAME\n" + sheet.tobytes() + grey)
    return path


def read_codes(data_url: str) -> list[str]:
    content = base64.b64decode(data_url.partition(",")[2])
    return [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(content)))]


def test_a_label_in_front_of_the_camera_is_scanned_once(browser: Browser, site: Site, tmp_path: Path) -> None:
    project = site.project("Green Meadows")
    site.follow(site.upload(f"/api/project/{project}/import/excel", EXAMPLES / "element_types.xlsx")["job_id"])
    piece = site.get(f"/api/project/{project}/elements?limit=1")["elements"][0]
    film = write_film(tmp_path / "label.y4m", f"{site.address}/pieces/{piece['id']}?code={piece['code']}")
    with chromium.launch_with_camera(browser, film) as phone:
        context = phone.new_context(base_url=site.address, viewport=PHONE, permissions=["camera"])
        page = context.new_page()
        page.expose_function("readCodes", read_codes)
        page.add_init_script(DETECTOR)
        page.goto(f"/projects/{project}/scan")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Scan with the camera").click()
        expect(page.get_by_role("listitem").filter(has_text=piece["code"])).to_contain_text("planned")
        expect(page.get_by_text("1 piece scanned")).to_be_visible()
        page.get_by_role("button", name="Stop the camera").click()
        expect(page.locator("video")).to_be_hidden()
        page.get_by_role("button", name="Mark 1 piece as produced").click()
        expect(page.get_by_text("Successfully processed 1")).to_be_visible()
        context.close()
    assert site.get(f"/api/elements/{piece['id']}")["element"]["status"] == "produced"
