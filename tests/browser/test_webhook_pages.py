"""The pages of webhooks and the choice of e-mails, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, OpenPage, check_page
from tests.live_site import Site

HOOK = "https://erp.some-long-company-name.example/api/v2/hooks/precast?key=0123456789abcdef"


@pytest.mark.parametrize("dark", [False, True])
def test_a_webhook_is_created_shows_its_secret_once_and_is_deleted(open_page: OpenPage, site: Site, dark: bool) -> None:
    project = site.project(f"Hooks {dark}", reference=False)
    path = f"/projects/{project}/webhooks"
    page = open_page(path, size=PHONE if dark else DESK, dark=dark)
    page.get_by_label("URL").fill(HOOK)
    page.get_by_label("Job waits for a person").uncheck()
    page.get_by_role("button", name="Create webhook").click()
    expect(page.locator("#new-secret")).to_contain_text("whsec_")
    check_page(page)
    page.get_by_role("link", name="erp.some").click()
    expect(page.get_by_label("URL")).to_have_value(HOOK)
    expect(page.get_by_label("Job failed")).to_be_checked()
    expect(page.get_by_label("Job waits for a person")).not_to_be_checked()
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.locator("#rotated-secret")).to_contain_text("whsec_")
    check_page(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.get_by_text("No webhooks yet.")).to_be_visible()


def test_a_private_address_is_refused_beside_its_field(open_page: OpenPage, site: Site) -> None:
    project = site.project("Private", reference=False)
    page = open_page(f"/projects/{project}/webhooks", error_responses=True)
    page.get_by_label("URL").fill("https://10.1.2.3/hooks")
    page.get_by_role("button", name="Create webhook").click()
    expect(page.get_by_text("The URL leads to a private address.").first).to_be_visible()
