"""What a keyboard reaches, what stays open behind it, and a page of twice the size."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LISTS = "[role=listbox]"
TABS = ("see", "live", "data", "train", "classify", "map", "teach")
TITLES = {
    "see": "See", "live": "Live", "data": "Data", "train": "Train",
    "classify": "Classify", "map": "Map", "teach": "Teach",
}  # fmt: skip
# What Tab has reached, and what lies above its middle there: itself, or a part of it.
HIDDEN = """() => {
  const at = document.activeElement;
  if (at === document.body) return null;
  at.scrollIntoView({ block: "center", behavior: "instant" });
  const { x, y, width, height } = at.getBoundingClientRect();
  const above = document.elementFromPoint(x + width / 2, y + height / 2);
  const own = at.closest(".block") ?? at; // with its label, and its list
  const isSeen = own.contains(above) || above?.contains(at);
  return isSeen ? "" : at.outerHTML.slice(0, 200);
}"""
# Elements wider than the page, or cut at its edge, unless they scroll by themselves.
CUT = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (each) => {
    for (let at = each.parentElement; at; at = at.parentElement)
      if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(at).overflowX))
        return true;
    return false;
  };
  return [...document.querySelectorAll("button, input, select, h1, h2, p, a, canvas")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }))
    .filter((each) => each.getBoundingClientRect().width && !scrolls(each))
    .filter((each) => {
      const { left, right } = each.getBoundingClientRect();
      return right > width + 1 || left < -1;
    })
    .map((each) => each.outerHTML.slice(0, 160));
}"""


def open_tab(page, name):
    """Open a tab, from the menu where the line has no room for it."""
    tab = page.locator(f"[role=tab][data-tab-id={name}]:visible")
    if not tab.count():
        page.locator(".overflow-menu > button").click()
        tab = page.locator(".overflow-dropdown button").filter(has_text=TITLES[name])
    tab.first.click()
    page.locator(f"[role=tab][data-tab-id={name}][aria-selected=true]").first.wait_for()


def test_list_closes_where_focus_leaves_its_field(open_page):
    page = open_page("?view=train")
    page.get_by_label("Recipe", exact=True).focus()
    page.locator(LISTS).wait_for()
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.ariaLabel !== 'Recipe'")
    page.locator(f"{LISTS} [aria-label=smoke]").wait_for(state="detached")
    # Once they have faded out, that of the field that has the focus now.
    page.wait_for_function(f"document.querySelectorAll('{LISTS}').length <= 1")
    open_tab(page, "see")
    page.locator(LISTS).wait_for(state="detached")


@pytest.mark.parametrize("tab", ["live", "data", "train", "classify", "map", "teach"])
def test_nothing_that_tab_reaches_is_hidden(open_page, tab):
    page = open_page(f"?view={tab}")
    page.locator(f"[role=tab][data-tab-id={tab}][aria-selected=true]").first.wait_for()
    for _ in range(45):
        page.keyboard.press("Tab")
        hidden = page.evaluate(HIDDEN)
        if hidden is None:
            break
        assert hidden == ""


@pytest.mark.parametrize("width", [640, 320])
def test_page_of_twice_the_size_needs_no_scrolling_to_the_side(open_page, width):
    page = open_page(width=width, height=450)
    for tab in TABS:
        open_tab(page, tab)
        sizes = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert sizes[0] <= sizes[1], tab
        assert page.evaluate(CUT) == [], tab


def test_failed_try_leaves_nothing_behind_once_the_next_one_starts(open_page):
    page = open_page("?view=classify")
    classify = page.get_by_role("button", name="Classify", exact=True)
    classify.click()
    page.get_by_text("There is no sound yet.").wait_for()
    assert not page.locator("span.error", has_text="Error").first.is_visible()
    page.locator(".chips button").first.press("Enter")
    page.get_by_text("There is no sound yet.").wait_for(state="detached")


def test_unknown_sound_of_an_address_gets_a_sentence(open_page):
    page = open_page("?sound=blues")
    page.get_by_text("There is no built-in sound “blues”.").wait_for()


def test_folded_parts_point_to_the_right_and_open_ones_down(open_page):
    page = open_page("?view=train")
    fold = page.get_by_role("button", name="All settings")
    turn = "icon => getComputedStyle(icon).transform"
    sign = "icon => getComputedStyle(icon, '::before').content"
    icon = fold.locator(".icon")
    assert icon.evaluate(sign) == '"›"'
    assert icon.evaluate(turn) == "none"
    fold.click()
    page.wait_for_function(
        "document.querySelector('.label-wrap.open > .icon')"
        " && getComputedStyle(document.querySelector('.label-wrap.open > .icon'))"
        ".transform.startsWith('matrix(0, 1')"
    )
