"""The pages of reference data: ordering stages, adding, changing and deleting items."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.live_site import Site


def test_stages_are_moved_with_arrows_and_by_dragging(open_page: OpenPage, site: Site) -> None:
    project = site.project("Stages")
    site.member(project, "mira", "manager")
    page = open_page(f"/projects/{project}/reference/stages", "mira", error_responses=True)
    names = page.locator(".order strong")
    first, second, third, *_ = before = names.all_inner_texts()
    page.get_by_role("button", name=f"Move {first} down").press("Enter")
    expect(page.get_by_text(f"{first} is now number 2 of {len(before)}.")).to_be_attached()
    expect(names).to_have_text([second, first, *before[2:]])
    grip, target = page.locator(".grip").nth(2).bounding_box(), page.locator(".grip").nth(0).bounding_box()
    assert grip and target
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(target["x"] + 5, target["y"] + 2, steps=6)
    with page.expect_response("**/stages/order"):
        page.mouse.up()
    page.reload()
    expect(names).to_have_text([third, second, first, *before[3:]])

    page.get_by_label("Name").last.fill("Polishing")
    page.get_by_role("button", name="Add stage").click()
    expect(page.get_by_text("Added.")).to_be_visible()
    page.get_by_label("Name").last.fill("polishing")
    page.get_by_role("button", name="Add stage").click()
    expect(page.get_by_role("alert")).to_contain_text("already has an item of this name")
    page.get_by_role("button", name="Delete Polishing").click()
    page.get_by_role("button", name="Yes").click()
    expect(names).to_have_text([third, second, first, *before[3:]])


def test_the_focus_stays_in_the_form_after_an_item_was_added(open_page: OpenPage, site: Site) -> None:
    project = site.project("Focus")
    page = open_page(f"/projects/{project}/reference/stages")
    for name in ("Polishing", "Painting"):
        field = page.get_by_label("Name").last
        field.fill(name)
        field.press("Enter")
        expect(page.locator(".order strong").last).to_have_text(name)
        expect(page.get_by_label("Name").last).to_be_focused()
    page.locator("li", has_text="Painting").get_by_text("Change").click()
    page.locator("li", has_text="Painting").get_by_label("Name").fill("Coating")
    page.keyboard.press("Enter")
    summary = page.locator("li", has_text="Coating").locator("summary")
    expect(summary).to_be_focused()


def test_the_arrow_of_a_stage_stays_under_the_pointer(open_page: OpenPage, site: Site) -> None:
    project = site.project("Arrows")
    page = open_page(f"/projects/{project}/reference/stages")
    names = page.locator(".order strong")
    first, *others = names.all_inner_texts()
    for direction, expected in (("down", [*others, first]), ("up", [first, *others])):
        box = page.get_by_role("button", name=f"Move {first} {direction}").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for _ in others:
            with page.expect_response("**/stages/order"):
                page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(names).to_have_text(expected)
        expect(page.get_by_role("button", name=f"Move {first} {direction}")).to_be_focused()
