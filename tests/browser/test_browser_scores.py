"""A run's scores in a browser: they stand there once, and a mistake can be heard."""

import pytest

from support import browser
from support.marked import keep_scores
from trainer.config import RunConfig
from trainer.run import runs

pytestmark = pytest.mark.browser

MARK = "() => { document.querySelector('.run-scores section').dataset.mine = 'yes'; }"
COUNT_PLAYED = """() => {
  window.played = [];
  const play = Genrescope.play;
  Genrescope.play = (url, start_s) => { window.played.push(url); play(url, start_s); };
}"""

# A page that is still being built goes back to its first tab once.
OPEN_TRAIN = """() => {
  const tab = document.querySelector("[role=tab][data-tab-id=train]");
  if (tab.getAttribute("aria-selected") !== "true") tab.click();
  return document.querySelector(".run-scores .confusion td")?.checkVisibility();
}"""


@pytest.fixture
def run(server):
    """A run that has ended, whose one mistake is a song that can be composed."""
    config = RunConfig(data="composed", n_songs_per_genre=2)
    run = runs.create(server.home / "runs", config)
    keep_scores(run.folder, names=("a", "blues 1", "c", "d"))
    runs.write_whole(run.folder / "result.json", '{"state": "finished"}')
    return run


def test_scores_stand_still_on_a_phone_and_a_mistake_sounds(open_page, run):
    page = open_page(width=390)
    page.wait_for_function(OPEN_TRAIN)
    page.evaluate(MARK)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    first = page.locator(".mistakes tbody tr > *").first
    assert first.bounding_box()["width"] > 60  # a name is read, not spelled
    page.evaluate(COUNT_PLAYED)
    page.locator(".run-scores button.play").click()
    page.wait_for_function("window.played.length === 1")
    # Polls have come meanwhile; they must not have drawn the scores anew.
    assert page.locator(".run-scores section[data-mine=yes]").count() == 1
    browser.forgive_leaving(page)
