"""Addresses that restore a lesson's settings."""

from urllib.parse import parse_qsl

import gradio as gr

from ui import page_state
from ui.tabs.see.lesson import Lesson


def draw(scene, *values):
    raise AssertionError("nothing is drawn here")


def lesson():
    with gr.Blocks():
        knobs = {
            "start_s": gr.Slider(0, 1, 0.5),
            "n_fft": gr.Dropdown([("512", 512), ("2048", 2048)], value=2048),
            "window": gr.Radio(["hann", "hamming"], value="hann"),
            "is_beside": gr.Checkbox(False),
            "history": gr.State((None, None)),
        }
        return Lesson("stft", None, knobs, draw)


def values(updates):
    return [update.get("value") for update in updates]


def test_a_link_brings_back_what_it_was_made_of():
    query = page_state.query(
        lesson(), "brass", [0.2, 512, "hamming", True, ("a", None)]
    )
    asked = dict(parse_qsl(query.removeprefix("?")))
    assert asked["sound"] == "brass"
    assert "stft.start_s" not in asked
    assert "stft.history" not in asked
    found = values(page_state.restored([lesson()], asked))
    assert found == [None, 512, "hamming", True, None]


def test_slider_of_whole_numbers_is_restored_and_a_position_is_not():
    with gr.Blocks():
        knobs = {"gain_db": gr.Slider(-40, 12, -6, step=1)}
        knobs["start_s"] = gr.Slider(0, 1, 0, step=0.01)
        decibels = Lesson("decibels", None, knobs, draw)
    query = page_state.query(decibels, "brass", [-20, 0.5])
    asked = dict(parse_qsl(query.removeprefix("?")))
    assert asked["decibels.gain_db"] == "-20"
    assert "decibels.start_s" not in asked
    assert values(page_state.restored([decibels], asked)) == [-20, None]
    outside = {"decibels.gain_db": "-41"}
    assert values(page_state.restored([decibels], outside)) == [None, None]


def test_address_that_a_browser_wrote_is_read_like_one_of_ours():
    with gr.Blocks():
        knobs = {
            "is_beside": gr.Checkbox(False),
            "overlap": gr.Dropdown([("1", 1.0), ("1/2", 0.5)], value=0.5),
        }
        one = Lesson("stft", None, knobs, draw)
    asked = {"stft.is_beside": "true", "stft.overlap": "1"}
    assert values(page_state.restored([one], asked)) == [True, 1.0]
    assert page_state.as_browsers_write(0.5) == "0.5"


def test_what_no_knob_offers_is_ignored():
    asked = {
        "stft.n_fft": "100000",
        "stft.window": "<script>",
        "stft.is_beside": "maybe",
        "stft.start_s": "0.1",
        "dft.n_fft": "512",
        "n_fft": "512",
    }
    assert values(page_state.restored([lesson()], asked)) == [None] * 5
    assert values(page_state.restored([lesson()], {})) == [None] * 5
