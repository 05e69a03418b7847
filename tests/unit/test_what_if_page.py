"""What if and where it listens, as the page shows them: tables, sliders, tiles."""

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest

from audio.clip import Clip
from audio.decode import Limits
from audio.effects import RANGES, Change
from classifier.predict import Prediction
from classifier.tiles import Tile
from classifier.what_if import Answer
from classifier.where import Check, Found
from errors import KnownError
from networks.checkpoint import ModelRef
from support.files import write_audio
from support.signals import tone
from ui.export import downloads
from ui.player.clips import ClipShelf
from ui.scene import Scene, Transforms
from ui.tabs.classify import changes, what_if, where
from ui.tabs.classify.where import Shown
from viz import paper

RATE = 16_000
REF = ModelRef("bundled", "bundled", None, "bundled", "composed", 1.0)
OTHER = replace(REF, source="hub", id="a/b", title="a/b")


def predicted(ref=REF, **shares):
    genres = tuple(sorted(shares.items(), key=lambda each: -each[1]))
    return Prediction(genres, (), 1, ref, 0.1)


def answers(ref, *shares):
    """Answers of a model to the song as it is, low, high, by the share of blues."""
    names = ("", "low", "high")
    return [
        Answer(
            name,
            tone(),
            predicted(ref, blues=share, jazz=1 - share),
            abs(share - shares[0]),
        )
        for name, share in zip(names, shares, strict=True)
    ]


def test_two_models_stand_side_by_side_each_with_its_sentences():
    pairs = [
        *zip(answers(REF, 0.9, 0.1, 0.88), answers(OTHER, 0.6, 0.6, 0.62), strict=True)
    ]
    shown = str(what_if.as_html(pairs, "en", is_last=True))
    assert shown.count('scope="colgroup"') == 2
    assert shown.count('<td class="other">') == 1  # low, of the first model
    assert (
        "Bundled model depends most on this: Only below 1 kHz. That moves 80%" in shown
    )
    assert "No single change moves the answer of a/b" in shown
    assert shown.count("<tr>") == 2 + 3


def test_one_model_has_a_column_without_its_name():
    shown = str(
        what_if.as_html([(e,) for e in answers(REF, 0.9, 0.1, 0.9)], "en", is_last=True)
    )
    assert "colgroup" not in shown
    assert "The genre changes with: Only below 1 kHz." in shown
    assert "less than 10% of its probability: Only above 1 kHz." in shown


def test_ranking_has_the_difference_to_the_song_as_it_is():
    before, after = predicted(blues=0.7, jazz=0.3), predicted(blues=0.2, jazz=0.8)
    shown = str(changes.as_html([before], [after], "en"))
    assert shown.index("Jazz") < shown.index("Blues")
    assert "<td>+50</td>" in shown
    assert "<td>−50</td>" in shown
    assert "50% of the probability has moved" in shown
    assert "Nothing audible" in str(changes.as_html([before], [None], "en"))


def neutral():
    values = Change().__dict__ | {"low_pass_hz": 8000}
    return [values[each.name] for each in fields(Change)]


def test_sliders_at_rest_change_nothing_and_every_end_is_allowed():
    assert changes.change_of(neutral()) == Change()
    names = [each.name for each in fields(Change)]
    for name, (low, high, _) in changes.SLIDERS.items():
        for end in (low, high):
            values = neutral()
            values[names.index(name)] = end
            changes.change_of(values)
        assert RANGES[name][0] <= low < high <= RANGES[name][1]


@pytest.mark.parametrize("wrong", [None, "fast", True, float("nan"), 1e9])
def test_value_that_no_slider_has_is_refused(wrong):
    values = neutral()
    values[3] = wrong
    with pytest.raises(KnownError):
        changes.change_of(values)


def test_one_channel_of_a_file_is_heard_alone(tmp_path):
    left, right = (tone(hz, 2.0, RATE, 0.3).samples for hz in (300.0, 2000.0))
    path = tmp_path / "two.wav"
    import soundfile

    soundfile.write(path, np.stack([left, right], axis=1), RATE)
    shelf = ClipShelf(Limits())
    excerpt = shelf.take(str(path)).clip
    asked = (str(path), excerpt)
    for number, samples in (("0", left), ("1", right)):
        found = changes.changed_sound(*asked, number, Change(), shelf)
        assert np.allclose(found.samples, samples, atol=1e-3)
    mixed = changes.changed_sound(*asked, changes.MIX, Change(), shelf)
    assert mixed is excerpt
    with pytest.raises(KnownError, match="not_a_choice"):
        changes.changed_sound(*asked, "7", Change(), shelf)


@pytest.fixture
def session(tmp_path):
    clip = Clip(np.tile(tone(500.0, 1.0, RATE).samples, 40), RATE, "song")
    path = str(write_audio(tmp_path / "song.wav", clip))

    def scene(path, view, language):
        return Scene(clip, Transforms(), language, view[1:] if view else None)

    return SimpleNamespace(scene=scene, path=path)


def shown_in(session, **more):
    tiles = [
        Tile(0, 0, -1, start_s, start_s + 15.0, low, low + 4000.0, np.array([e, -e]))
        for start_s, low, e in (
            (0, 0, 0.2),
            (0, 4000, -1.0),
            (15, 0, 3.0),
            (15, 4000, 0),
        )
    ]
    genres = (("blues", 0.7), ("jazz", 0.3))
    kept, rest = predicted(blues=0.9, jazz=0.1), predicted(blues=0.2, jazz=0.8)
    facts = {"check": Check("blues", kept, rest), **more}
    labels = ("blues", "jazz")
    found = Found(REF, labels, genres, tuple(tiles), "mean", 5.0, 30.0, 9, 9, **facts)
    return Shown(session.path, found)


def test_tiles_lie_over_the_excerpt_on_the_song_s_own_time(session):
    sheet = where.sheet(session, shown_in(session), "", "en")
    image, tiles = sheet.plots[0].layers
    assert (image.kind, tiles.kind) == ("image", "tiles")
    assert (sheet.plots[0].x.start, sheet.plots[0].x.stop) == (5.0, 35.0)
    assert tiles.starts_s == [5.0, 5.0, 20.0, 20.0]
    assert np.sign(tiles.values).tolist() == [1, -1, 1, 0]
    assert tiles.limit == pytest.approx(max(map(abs, tiles.values)), rel=0.05)
    assert "Blues rests most on 20.0 to 35.0 s, 0 to 4,000 Hz" in sheet.about
    assert "with only what counts for it 90%, with only the rest 20%" in sheet.about
    other = where.sheet(session, shown_in(session), "jazz", "en")
    assert other.plots[0].layers[1].values == [-each for each in tiles.values]
    assert "Small tiles are those that matter to Blues" in other.about


@pytest.mark.parametrize("kind", ["png", "svg", "csv", "npz"])
def test_tiles_are_saved_in_every_format(session, kind):
    sheet = where.sheet(session, shown_in(session), "", "en")
    data = downloads.content(sheet, kind)
    if kind == "csv":
        text = data.decode()
        assert "start_s,stop_s,low_hz,high_hz,value" in text
        assert "20.0,35.0,0,4000.0," in text.replace("0.0,4000.0", "0,4000.0")
    elif kind == "npz":
        import io

        found = np.load(io.BytesIO(data), allow_pickle=False)
        assert found["value_2"].shape == (4,)
        assert found["levels_db"].shape[1] == len(found["time_s"])
    elif kind == "svg":
        assert "for (log-odds per tile)" in data.decode()
    else:
        assert data[1:4] == b"PNG"


def test_tiles_on_paper_have_their_colours_where_they_speak(session):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = paper.figure(where.sheet(session, shown_in(session), "", "en"))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba()).astype(int)
    box = figure.axes[0].get_window_extent()
    height = len(pixels)

    def colour(x_share, y_share):
        x = round(box.x0 + x_share * box.width)
        y = height - round(box.y0 + y_share * box.height)
        red, _, blue, _ = pixels[y - 3 : y + 3, x - 3 : x + 3].reshape(-1, 4).mean(0)
        return red - blue

    assert colour(0.75, 0.5) > 50  # for: orange
    assert colour(0.25, 0.95) < -20  # against: blue
    assert abs(colour(0.75, 0.95)) < 5  # nothing: grey
