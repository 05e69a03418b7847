"""Answers reach the page however the end of their stream and the next question meet."""

import pytest

from support import browser
from support.page import wait_for_pictures
from support.places import ROOT

pytestmark = pytest.mark.browser

# An answer that is on the page before the name of its event: then the stream ends.
EARLY = """async (script) => {
  const asked = [];
  let stream, name;
  const bytes = new TextEncoder();
  const send = (message) => stream.enqueue(bytes.encode(`data: ${JSON.stringify(message)}\\n\\n`));
  window.fetch = async (address) => {
    asked.push(new URL(address).pathname.split("/").at(-1));
    if (address.endsWith("join")) return new Promise((go) => (name = go));
    return new Response(new ReadableStream({ start: (one) => (stream = one) }));
  };
  (0, eval)(script);
  const joined = fetch("http://page/gradio_api/queue/join");
  const answer = await fetch("http://page/gradio_api/queue/data");
  const read = answer.text();
  send({ msg: "process_completed", event_id: "one" });
  await new Promise((go) => setTimeout(go));
  name(Response.json({ event_id: "one" }));
  await joined;
  send({ msg: "close_stream", event_id: null });
  stream.close();
  const ended = read.then((text) => text.includes("close_stream"));
  const later = new Promise((go) => setTimeout(go, 1000, "open"));
  return [await Promise.race([ended, later]), asked];
}"""


@pytest.fixture
def page(chromium, server, open_page):
    page = open_page()
    page.add_init_script(browser.SLOW_END)
    page.reload()
    page.wait_for_function(browser.READY)
    return page


def lesson(page, title):
    return page.locator(".lesson").filter(has=page.get_by_role("heading", name=title))


def choose(page, place, label, option):
    place.get_by_label(label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_question_asked_while_the_stream_ends_is_answered(page):
    page.get_by_role("button", name="Trumpet phrase", exact=True).click()
    wait_for_pictures(page)
    page.evaluate("slow.isOn = true")
    choose(page, lesson(page, "Spectrum (DFT)"), "0 dB is", "full scale (dBFS)")
    page.wait_for_function("slow.isWaiting")
    stft = lesson(page, "Spectrogram (STFT)")
    with page.expect_response("**/queue/join*") as joined:
        choose(page, stft, "Compare with frame length", "512")
    joined.value.finished()
    page.evaluate("slow.arrive()")
    stft.locator("canvas[role=img]").nth(1).wait_for()


def test_stream_ends_although_an_answer_came_before_its_event_had_a_name(chromium):
    page = chromium.new_page()
    script = (ROOT / "ui" / "server" / "stream.js").read_text("utf-8")
    assert page.evaluate(EARLY, script) == [True, ["join", "data"]]
    page.close()
