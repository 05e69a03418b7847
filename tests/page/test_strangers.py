"""Every endpoint of the running app, asked by somebody who may change nothing.

An endpoint that is new makes the first test fail, until it is on one of the two lists.
"""

import dataclasses
import hashlib
import json

import httpx
import pytest

import app
import i18n
from settings import Host
from support.endpoints import (
    ask,
    data_of,
    endpoints,
    name_of,
    session_with_runs,
)
from support.finished_runs import finished_run
from support.served import served, settings_in

pytestmark = pytest.mark.minute

# Watching, looking at sound, classifying, learning: each changes what its own visitor
# sees, and nothing else.
MAY = set(
    """
    ui.api.embeddings:Endpoints.embed
    ui.api.embeddings:Endpoints.similar
    ui.api.songs:Endpoints.classify
    ui.api.songs:Endpoints.classify_many
    ui.api.songs:Endpoints.dft
    ui.api.songs:Endpoints.mel
    ui.api.songs:Endpoints.stft
    ui.api.songs:Endpoints.waveform
    ui.tabs.classify.auto:AutoLine._look
    ui.tabs.classify.history:_again.again
    ui.tabs.classify.history:_listing.show
    ui.tabs.classify.batch:_opening.open_song
    ui.tabs.classify.batch:_taking.take
    ui.tabs.classify.batch:count
    ui.tabs.classify.batch:_naming.name_all
    ui.tabs.classify.batch:_saving.save
    ui.tabs.classify.song:_asking.ask
    ui.tabs.classify.view:_card.describe
    ui.tabs.classify.view:_part.part
    ui.tabs.classify.view:_saving.save
    ui.tabs.classify.view:_zooming.zoom
    ui.api.reasons:Endpoints.what_if
    ui.api.reasons:Endpoints.where
    ui.tabs.classify.changes:_asking.ask
    ui.tabs.classify.changes:_stopping.stop
    ui.tabs.classify.changes:_superseding.supersede
    ui.tabs.classify.changes:_wire.<lambda>
    ui.tabs.classify.what_if:_asking.ask
    ui.tabs.classify.what_if:_playing.play
    ui.tabs.classify.what_if:build.clear
    ui.tabs.classify.where:_asking.ask
    ui.tabs.classify.where:_cutting.cut
    ui.tabs.classify.where:_wire_picture.redraw
    ui.tabs.classify.where:_wire_picture.save
    ui.tabs.classify.where:_wire_search.stop
    ui.front.front:build.phrase
    ui.tabs.live.tab:_naming.name
    ui.tabs.map.tab:_arranging.arrange
    ui.tabs.map.tab:_drawing.draw
    ui.tabs.map.tab:_locating.locate
    ui.tabs.map.tab:_playing.play
    ui.tabs.map.tab:_saving.save
    ui.tabs.map.tab:_wire_choices.offer
    ui.tabs.map.tab:_wire_choices.show
    ui.tabs.classify.picker:Picker._refreshed
    ui.waiting:cancelled
    ui.player.clip_bar:_bringing.bring
    ui.player.clip_bar:_choosing.choose
    ui.player.clip_bar:_cutting.cut
    ui.player.clip_bar:_cutting.use
    ui.player.clip_bar:_giving_what_the_address_names.give
    ui.player.clip_bar:_same
    ui.player.clip_bar:_giving_the_first.give
    ui.player.clip_bar:_reading.read
    ui.player.clip_bar:_restoring.restore
    ui.tabs.classify.picker:Picker.wire.<lambda>
    ui.song_choice:SongChoice.wire.listed
    ui.tabs.data.inspection:list_genres
    ui.tabs.data.inspection:list_songs
    ui.tabs.data.inspection:wire.show
    ui.tabs.data.tab:_wire_split.split
    ui.tabs.data.tab:stop
    ui.export.downloads:_saving.save
    ui.tabs.see.inversion:build.rebuild
    ui.tabs.see.inside:_drawing.redraw
    ui.tabs.see.inside:_follow.choose
    ui.tabs.see.inside:_wire.<lambda>
    ui.tabs.see.readings:_redrawing.redraw
    ui.tabs.see.readings:build.<lambda>
    ui.tabs.see.lesson:placing.place
    ui.tabs.see.lesson:plays.remake
    ui.tabs.see.lesson:plays_each.remake
    ui.tabs.see.lesson:redrawing.redraw
    ui.tabs.see.masking:build.offer
    ui.tabs.see.selection:_moment.at
    ui.tabs.see.selection:_zooming.zoom
    ui.player.passage:Passage._part
    ui.session:renewing.renew
    ui.page_state:restore_knobs.restore
    ui.page_state:open_named_tab.open_tab
    ui.api.runs:Endpoints.runs
    ui.song_choice:show_fields
    ui.exercises.dock:examined
    ui.tabs.classify.tab:take_run.choose
    ui.tabs.train.handlers:Page.wire_watching.poll
    ui.tabs.train.handlers:Page.wire_watching.choose
    ui.tabs.train.handlers:Page.wire_table.compare
    ui.tabs.train.handlers:Page.wire_table.pick
    ui.tabs.train.handlers:Page.wire_removing.close
    ui.tabs.train.handlers:Page.wire_table.table
    ui.tabs.train.handlers:Page.wire_new.look_ahead
    ui.tabs.train.handlers:Page.wire_scores.give
    ui.tabs.train.handlers:Page._wire_saving.save
    ui.tabs.train.handlers:Page.wire_watching.whole_log
    builtins:list
    """.split()
)
# What they may not, and what they are told.
MAY_NOT = {
    "ui.tabs.classify.picker:Picker._fetching.fetch": "may_not_fetch",
    "ui.tabs.data.tab:_wire.look": "may_not_look",
    "ui.tabs.see.readings:_measuring.measure": "may_not_train",
    "ui.api.runs:Endpoints.start_run": "may_not_train",
    "ui.api.runs:Endpoints.stop_run": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_new.begin": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_removing.cancel": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_removing.delete": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_labels.rename": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_ending.resume": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_ending.stop": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_removing.question": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_removing.doubt": "may_not_train",
    "ui.tabs.train.handlers:Page.wire_pushing.begin": "may_not_train",
}
SOMEBODY = {"host": "owner-genrescope.hf.space", "x-forwarded-for": "203.0.113.5"}
# What a stranger would add to pass for somebody.
FORGED = SOMEBODY | {
    "authorization": "Bearer owner",
    "cookie": "genrescope_key=; session=eyJvYXV0aF9pbmZvIjogMX0=.x.y",
    "x-forwarded-host": "localhost",
    "origin": "http://localhost",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory, tiny_model_dir):
    home = tmp_path_factory.mktemp("home")
    finished_run(home / "runs", tiny_model_dir)
    (home / "songs" / "ours" / "jazz").mkdir(parents=True)
    host = Host("cpu", "owner/genrescope")
    return settings_in(home, tiny_model_dir, host=host)


@pytest.fixture(scope="module")
def demo(settings, tmp_path_factory):
    with served(settings, tmp_path_factory.mktemp("gradio")) as demo:
        yield demo


def contents(settings):
    """Every file that is not the asker's own, with its content's hash."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (settings.runs_dir, settings.songs_dir)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_endpoint_is_on_one_list_and_none_on_both(demo):
    names = {name_of(fn) for fn in endpoints(demo)}
    assert names == MAY | set(MAY_NOT)
    assert not MAY & set(MAY_NOT)


@pytest.mark.parametrize("headers", [SOMEBODY, FORGED], ids=["plain", "forged"])
def test_stranger_is_refused_by_index_and_nothing_changes(demo, settings, headers):
    before = contents(settings)
    refused = {}
    session = session_with_runs(demo, headers, settings)
    for fn in endpoints(demo):
        code = MAY_NOT.get(name_of(fn))
        if code:
            data = data_of(fn, settings)
            answer = ask(demo, headers, fn, data, session)
            refused[name_of(fn)] = i18n.table("en")[f"errors.{code}"] in answer
    assert refused == dict.fromkeys(MAY_NOT, True)
    assert contents(settings) == before


@pytest.mark.parametrize("way", ["call", "run", "api"])
def test_stranger_is_refused_by_name_as_well(demo, settings, way):
    before = contents(settings)
    for fn in endpoints(demo):
        code = MAY_NOT.get(name_of(fn))
        if not code:
            continue
        body = {"data": data_of(fn, settings, is_run_known=False)}
        url = f"{demo.local_api_url}{way}/{fn.api_name}"
        answer = httpx.post(url, json=body, headers=SOMEBODY, timeout=60)
        said = answer.text
        if way == "call" and answer.status_code == 200:
            event = f"{url}/{answer.json()['event_id']}"
            said = httpx.get(event, headers=SOMEBODY, timeout=60).text
        # Its first word comes before it does a thing.
        if '"is_generating":true' in said:
            continue
        sentence = json.dumps(i18n.table("en")[f"errors.{code}"])[1:-1]
        assert sentence in said or answer.status_code == 404, (fn.api_name, said)
    assert contents(settings) == before


def test_what_a_stranger_may_call_changes_nothing_for_others(demo, settings):
    before = contents(settings)
    session = session_with_runs(demo, SOMEBODY, settings)
    for fn in endpoints(demo):
        if name_of(fn) in MAY:
            ask(demo, SOMEBODY, fn, data_of(fn, settings), session)
    assert contents(settings) == before


def test_person_at_the_machine_is_not_refused_by_the_same_calls(settings, demo):
    """Else the refusals above would prove nothing."""
    here = dataclasses.replace(settings, host=Host())
    local = app.create_app(here)
    local.launch(
        **app.launch_options(here, local), prevent_thread_lock=True, quiet=True
    )
    try:
        session = session_with_runs(local, {}, here)
        for name in ("rename", "question", "delete"):
            (fn,) = [fn for fn in endpoints(local) if fn.fn.__name__ == name]
            answer = ask(local, {}, fn, data_of(fn, here), session)
            assert '"success":true' in answer, name
        assert not [*here.runs_dir.glob("2*")]
    finally:
        local.close()
