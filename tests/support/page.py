"""What browser tests do on a page again and again."""

DRAWN = ".lesson-picture canvas[role=img]"


def upload(page, path):
    page.locator("#player input[type=file]").set_input_files(path)


def choose(page, name):
    """Choose another built-in sound, where there is one already."""
    page.locator(".bar-sounds").click()
    page.locator(".chips").get_by_role("button", name=name, exact=True).click()


def wait_for_pictures(page, n_pictures=1):
    """Until the lessons in view are drawn, and no other that is near is waited for."""
    page.wait_for_function(
        """n => document.querySelectorAll(".block.lesson-picture:has(canvas)").length >= n
          && Genrescope.isDrawn()""",
        arg=n_pictures,
    )


def says(place, text):
    """Until a lesson's numbers do; it is drawn once it is near."""
    place.scroll_into_view_if_needed()
    place.locator(".numbers").filter(has_text=text).wait_for()


def scrolls_sideways(page):
    return page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )


def lesson(page, title):
    return page.locator(".lesson").filter(has=page.get_by_role("heading", name=title))
