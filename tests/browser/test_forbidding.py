"""The page in browsers that forbid what most allow: storage, the clipboard."""

import pytest

from support.page import wait_for_pictures

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# A full storage, or one that a company's policy, or a private window, forbids.
FULL = """Storage.prototype.setItem = () => {
  throw new DOMException("quota", "QuotaExceededError");
};"""
FORBIDDEN = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { configurable: true, get: () => {
    throw new DOMException("denied", "SecurityError");
  }});"""
# What Gradio writes to the console then, for what it keeps itself.
FORGIVEN = ("to localStorage", "from localStorage")
# As on http in a network; and the old command fails, as it may without a click.
NO_CLIPBOARD = """
Object.defineProperty(navigator, "clipboard", { value: undefined });
document.execCommand = () => false;
"""


@pytest.mark.parametrize("storage", [FULL, FORBIDDEN], ids=["full", "forbidden"])
def test_answer_and_link_come_without_storage_and_clipboard(
    chromium, open_page, monkeypatch, storage
):
    usual = chromium.new_context

    def forbidding(**options):
        context = usual(**options)
        context.add_init_script(storage + NO_CLIPBOARD)
        return context

    monkeypatch.setattr(chromium, "new_context", forbidding)
    page = open_page("?sound=chord")
    page.forgiven = FORGIVEN
    prompts = []
    page.on("dialog", lambda each: (prompts.append(each.default_value), each.dismiss()))
    wait_for_pictures(page)
    page.locator(".lesson .sheet-save").first.select_option("link")
    page.wait_for_function("location.search.includes('view=')")
    page.locator("[data-tab-id=classify]:visible").click()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator(".block.answer .verdict:not(.so_far)").wait_for()
    page.get_by_role("button", name="History").click()
    page.get_by_text("This browser keeps nothing").wait_for()
    assert len(prompts) == 1
    assert "view=waveform" in prompts[0]
