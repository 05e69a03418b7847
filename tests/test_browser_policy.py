"""What browsers are told to refuse, and the way in for who knows the host's secret."""

import browser
import pytest
import tiny

pytestmark = pytest.mark.browser
chromium, open_page = browser.chromium, browser.open_page
SECRET = "a long secret of this host"
FROM_AFAR = {"x-forwarded-for": "203.0.113.5"}
WATCH = """
window.refused = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    model_dir = tiny.save_tiny_model(home / "model")
    server = browser.Server(home, model_dir, GENRESCOPE_SECRET=SECRET)
    with server.running():
        yield server


def test_page_keeps_to_its_policy_whatever_is_done(open_page, tmp_path):
    page = open_page()
    page.context.add_init_script(WATCH)
    page.reload()
    page.wait_for_function(browser.READY)
    page.locator(".chips button").first.click()
    page.wait_for_function("document.querySelectorAll('.lesson-picture canvas').length")
    page.get_by_label("Play").first.click()
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_timeout(0)
    page.get_by_role("tab", name="Classify").click()
    page.get_by_role("button", name="Name the genre").click()
    page.wait_for_function("document.querySelector('.answer .genre, .answer li')")
    page.get_by_role("tab", name="See").click()
    record(page)
    assert page.evaluate("window.refused") == []


def record(page):
    """Record from the microphone that the browser plays."""
    page.get_by_label("Clear").first.click()
    page.get_by_label("Record audio").first.click()
    page.locator("#player button.record-button, #player .record").first.click()
    page.locator("#player button.stop-button").first.click()
    page.wait_for_function(
        "document.querySelector('.clip-facts').innerText.includes('Recording')"
    )


def test_page_reaches_no_other_server(open_page):
    page = open_page()
    page.evaluate(WATCH)
    page.evaluate("fetch('http://127.0.0.1:9/').catch(() => null)")
    page.wait_for_function("window.refused.length")
    assert page.evaluate("window.refused[0]").startswith("connect-src")
    page.problems.clear()  # the browser says so in its console


def test_visitor_from_elsewhere_trains_after_giving_the_secret(server, chromium):
    context = chromium.new_context(extra_http_headers=FROM_AFAR)
    page = context.new_page()
    page.set_default_timeout(browser.WAIT_MS)
    page.goto(server.url)
    page.get_by_role("tab", name="Train").click()
    start = page.get_by_role("button", name="Start", exact=True)
    page.get_by_label("Password of this page").fill(SECRET)
    assert start.is_enabled() is False or page.get_by_text("only who runs").count()
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("tab", name="Train").click()
    page.wait_for_function(
        "[...document.querySelectorAll('button')].some("
        "(button) => button.innerText === 'Start' && !button.disabled)"
    )
    assert page.get_by_label("Password of this page").count() == 0
    (cookie,) = [c for c in context.cookies() if c["name"] == "genrescope_key"]
    assert cookie["httpOnly"]
    assert SECRET not in (cookie["value"], page.url)
    context.close()
