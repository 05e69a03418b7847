"""How long a sound takes from the AudioContext to its column on the tab Live's picture."""

import numpy as np
import pytest

from support import browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RATE = 48000
EVERY_S = 1.0
N_CLICKS = 8
MOST_S = 0.1
# Each click by the time of the context's block that brought it; each column that is
# drawn by the time at which the screen has it, and how bright it is.
WATCH = """async () => {
  const { live } = Genrescope;
  const { context, stream } = live.microphone;
  const seen = (window.seen = { clicks: [], columns: [] });
  const code = `registerProcessor("clicks", class extends AudioWorkletProcessor {
    process([[samples]]) {
      if (samples?.some((sample) => Math.abs(sample) > 0.3)) this.port.postMessage(currentTime);
      return true;
    }
  })`;
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  await context.audioWorklet.addModule(address);
  const node = new AudioWorkletNode(context, "clicks");
  node.port.onmessage = ({ data }) => {
    if (data - (seen.clicks.at(-1) ?? -1) > 0.5) seen.clicks.push(data);
  };
  context.createMediaStreamSource(stream).connect(node);
  const put = live.put.bind(live);
  live.put = (levels, ...place) => {
    put(levels, ...place);
    const column = { bright: levels.reduce((sum, byte) => sum + byte, 0) / levels.length };
    seen.columns.push(column);
    // A task behind the next frame's callback: the frame with the column is drawn.
    requestAnimationFrame(() => setTimeout(() => { column.at_s = context.currentTime; }));
  };
}"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """A browser whose microphone plays a click each second."""
    played = np.zeros(round(EVERY_S * RATE), np.float32)
    played[RATE // 2 : RATE // 2 + 48] = 0.9
    with browser.recording(played, RATE, tmp_path_factory.mktemp("mic")) as chromium:
        yield chromium


def test_click_is_drawn_within_a_tenth_of_a_second(open_page):
    page = open_page("?view=live", width=390, height=844)
    page.locator(".live-start").click()
    page.wait_for_function("Genrescope.live.columns.length > 30")
    page.evaluate(WATCH)
    page.wait_for_function(f"seen.clicks.length > {N_CLICKS}")
    clicks_s, columns = page.evaluate("""[
      seen.clicks,
      seen.columns.filter(({ at_s }) => at_s).map(({ at_s, bright }) => [at_s, bright]),
    ]""")
    at_s, bright = np.array(columns).T
    latencies_s = []
    for click_s in clicks_s[:-1]:
        near = (at_s >= click_s) & (at_s < click_s + 0.5)
        latencies_s.append(at_s[near][np.argmax(bright[near])] - click_s)
    assert np.median(latencies_s) < MOST_S  # a busy machine delays some of them
