"""Open a page with sheets on it, without a server."""

import json

import pytest

from support import browser
from ui import canvas as pictures

ADDRESS = "http://pictures.test/"
PAGE = """<!doctype html><meta charset="utf-8"><script>SCRIPT</script><style>STYLE
body { margin: 0; --body-text-color: rgb(10, 20, 30); }
body.dark { --body-text-color: rgb(240, 230, 220); }
</style><body><div id="player"></div><script>
window.asked = [];
window.places = VALUES.map((value, i) => {
  const element = document.createElement("div");
  Object.assign(element, { id: `place${i}`, className: "prose picture" });
  document.body.append(element);
  const place = { props: { value } };
  Genrescope.mount(element, place.props, (name, call) => { place.call = call; },
    (event, data) => asked.push([event, data]), [], { empty: "empty", start_label: "hear", waits: true });
  place.show = (value) => { place.props.value = value; place.call(); };
  return place;
});
</script>"""


@pytest.fixture
def show(chromium):
    """Open a page with sheets on it; nothing may be written on the console."""
    contexts = []

    def show(*sheets, width=900, context=None, language="en", scale=1):
        if context is None:
            viewport = {"width": width, "height": 900}
            context = chromium.new_context(
                viewport=viewport, device_scale_factor=scale, reduced_motion="reduce"
            )
            contexts.append(context)
        values = [sheet and sheet.as_json() for sheet in sheets]
        body = (
            PAGE.replace("SCRIPT", pictures.script(language))
            .replace("STYLE", pictures.STYLE.read_text("utf-8"))
            .replace("VALUES", json.dumps(values).replace("</", "<\\/"))
        )
        page = context.new_page()
        page.set_default_timeout(browser.WAIT_MS)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: browser.hear(page, message))
        page.route(
            "**/*", lambda route: route.fulfill(body=body, content_type="text/html")
        )
        page.goto(ADDRESS)
        if sheets[0]:
            page.wait_for_selector(".sheet-tools")
        return page

    yield show
    for context in contexts:
        problems = [p for page in context.pages for p in page.problems]
        context.close()
        assert problems == []
