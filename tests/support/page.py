"""What browser tests do on a page again and again."""

from support import browser

DRAWN = ".lesson-picture canvas[role=img]"


def upload(page, path):
    page.locator("#player input[type=file]").set_input_files(path)


def choose(page, name):
    """Choose another built-in sound, where there is one already."""
    page.locator(".bar-sounds").click()
    page.locator(".chips").get_by_role("button", name=name, exact=True).click()


def wait_for_pictures(page, n_pictures=browser.N_DRAWN):
    page.wait_for_function(
        f"document.querySelectorAll('.block.lesson-picture:has(canvas)').length === {n_pictures}"
    )


def scrolls_sideways(page):
    return page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )


def lesson(page, title):
    return page.locator(".lesson").filter(has=page.get_by_role("heading", name=title))
