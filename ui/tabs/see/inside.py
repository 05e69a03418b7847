"""What a model makes of a sound inside: each layer's frames as colours, repeats, attention.

The windows are those of classification, computed by the model chosen in Classify, one at
a time in the queue of all that use models. A large model computes nothing before somebody
asks: a class that scrolls by would keep everyone waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr

import i18n
from audio.clip import Clip
from audio.hubert import layers
from audio.hubert.layers import Attention, Block, Colours
from audio.transforms import FRAMES, mel
from classifier.models import Models
from networks import inside
from ui import canvas, sheets
from ui.handlers import QUIETLY
from ui.model_choice import title
from ui.scene import Scene
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session, View
from ui.tabs.see.lesson import SLIDER_STEP_S, Lesson, lesson, placed, position
from ui.tabs.see.states import Look, Subject, computing, counts, look, subject_of
from viz import inside as pictures
from viz.plot import Sheet
from viz.wording import phrase

MOST_LAYERS, MOST_HEADS = 24, 16  # of a large HuBERT
FIRST_LAYER = 2
SMOOTHINGS_S = (0, 1, 4)  # over which frames are averaged before they are compared
# They wait in the queue of models, which shows one's place; see ``ui.tabs.classify.song``.
QUEUE: dict[str, Any] = {"concurrency_id": "asking", "concurrency_limit": 20}


def build(session: Session, models: Models) -> tuple[Lesson, ...]:
    """Lay out both lessons and wire them: layers and repeats, attention."""
    again = canvas.place("inside_empty", "inside_start")
    with lesson(
        "inside", empty="inside_empty", start="inside_start", more=[again]
    ) as picture:
        layer = _slider("see.layer_compared", 0, MOST_LAYERS, FIRST_LAYER)
        lengths = [(text(f"see.smoothing_{n}"), n) for n in SMOOTHINGS_S]
        smoothing = gr.Radio(lengths, value=0, label=text("see.smoothing"))
        status, cancel = _status()
    compared = {"layer": layer, "smoothing_s": smoothing}
    seen = Lesson(
        "inside",
        picture,
        {"classifier": session.model},
        partial(draw_layers, models),
        is_over_time=True,
    )
    alike = Lesson(
        "repeats",
        again,
        {**compared, "classifier": session.model},
        partial(draw_repeats, models),
        is_over_time=True,
    )
    with lesson("attention", empty="inside_empty", start="inside_start") as weights:
        asked = _slider("see.layer_attending", 1, MOST_LAYERS, 1)
        head = _slider("see.head", 1, MOST_HEADS, 1)
        moment = position()
        moment.label = text("see.moment")  # type: ignore[assignment]
        own_status, own_cancel = _status()
    turned = {"layer": asked, "head": head, "moment_s": moment}
    attending = Lesson(
        "attention",
        weights,
        {**turned, "classifier": session.model},
        partial(draw_attention, models),
        is_over_time=True,
    )
    at_moment = placed(session, moment, lambda _: 1, when=weights.near)
    wire = partial(_wire, session, models)
    wire(seen, [status, cancel], {})
    wire(alike, [status, cancel], {"layer": layer})
    redraw = wire(
        attending,
        [own_status, own_cancel],
        {"layer": asked, "head": head},
        after=at_moment,
    )
    _follow(session, [picture, again, weights], moment, redraw)
    session.model.change(
        None,
        None,
        None,
        js=canvas.waiting(["inside", "attention"], is_new=False),
        **QUIETLY,
    )
    return seen, alike, attending


def _slider(label: str, least: int, most: int, value: int) -> gr.Slider:
    return gr.Slider(least, most, value, step=1, label=text(label))


def _status() -> tuple[gr.HTML, gr.Button]:
    """Place a line for what is being computed, and what ends it."""
    status = gr.HTML(elem_classes=["classify-status"])
    return status, gr.Button(text("classify.cancel"), visible=False, min_width=80)


def _wire(
    session: Session,
    models: Models,
    here: Lesson,
    at_work: Sequence[Any],
    limited: dict[str, gr.Slider],
    after: Any = None,
) -> dict[str, Any]:
    """Draw a lesson where ``draws`` would, its windows computed one by one before.

    Args:
        session: what the tabs share.
        models: of this host.
        here: the lesson.
        at_work: its line and its Cancel.
        limited: knobs whose end is the model's: "layer" and "head".
        after: what sets a knob for a new sound, if something does.

    Returns:
        What an event needs to draw it anew.
    """
    picture = here.picture
    outputs = [picture, *at_work, *limited.values()]
    inputs = [session.bar.path, session.view, session.newest, *here.knobs.values()]
    event: dict[str, Any] = {**QUIETLY, **QUEUE, "inputs": inputs, "outputs": outputs}
    calls = (
        session.guarded(_drawing(session, models, here, at_work, limited, is_asked))
        for is_asked in (False, True)
    )
    quietly, asked = ({"fn": fn, **event} for fn in calls)
    at_new_sound = after.then if after else picture.near
    started = picture.start(**asked)
    all_of_it = canvas.waiting(["inside", "attention"], is_new=False)
    started.then(None, None, None, js=all_of_it, **QUIETLY)
    turned = [knob.input for knob in here.knobs.values() if hasattr(knob, "input")]
    events = [at_new_sound(**quietly), picture.again(**quietly), started]
    events += [gr.on(turned, **quietly)] if turned else []
    ended = session.guarded(lambda: ("", gr.Button(visible=False)))
    at_work[1].click(ended, None, [*at_work], cancels=events, **QUIETLY)
    return quietly


def _drawing(
    session: Session,
    models: Models,
    here: Lesson,
    at_work: Sequence[Any],
    limited: dict[str, gr.Slider],
    is_asked: bool,
) -> Any:
    """Make the handler that computes what a lesson needs, and draws it."""
    status, cancel = at_work
    picture = here.picture

    def redraw(
        path: str | None, view: View, newest: Newest, *values: Any, visitor: Visitor
    ) -> Iterator[dict[Any, Any]]:
        if path is None:
            return
        is_newest = newest.ask(picture)
        named = dict(zip(here.knobs, values, strict=True))
        scene = session.scene(path, view, visitor.language)
        subject = subject_of(models, scene, named["classifier"])
        if not (subject.is_light or is_asked or subject.is_known(scene)):
            yield {picture: None}
            return
        is_busy = not subject.is_known(scene)
        for line in computing(models, scene, subject) if is_busy else ():
            yield {status: line, cancel: gr.Button(visible=True)}
        sheet = here.draw(scene, *values).as_json()
        found: dict[Any, Any] = {status: "", cancel: gr.Button(visible=False)}
        if is_newest(picture):
            found[picture] = sheet
        yield found | _limits(subject, named, limited)

    return redraw


def _limits(
    subject: Subject, named: dict[str, Any], limited: dict[str, gr.Slider]
) -> dict[Any, Any]:
    """End the knobs where the model's layers and heads do."""
    most = counts(subject.folder)
    return {
        knob: gr.Slider(maximum=most[name], value=most[name])
        if named[name] > most[name]
        else gr.Slider(maximum=most[name])
        for name, knob in limited.items()
    }


def _follow(
    session: Session,
    drawn: Sequence[gr.HTML],
    moment: gr.Slider,
    redraw: dict[str, Any],
) -> None:
    """Let a click on a picture of these choose the moment of the query."""

    @session.guarded
    def choose(path: str | None, event: gr.EventData) -> gr.Slider:
        duration_s = session.clip(path).duration_s
        at_s = min(max(float(event.at_s), 0.0), duration_s)
        return gr.Slider(
            maximum=max(round(duration_s, 3), SLIDER_STEP_S), value=round(at_s, 2)
        )

    for picture in drawn:
        chosen = picture.at(choose, session.bar.path, moment, **QUIETLY)
        chosen.then(**redraw)


def draw_layers(models: Models, scene: Scene, classifier: str | None) -> Sheet:
    """Draw the frames of each layer as colours, below the spectrogram."""
    found = look(models, scene, classifier)
    if isinstance(found, Subject):
        return _nothing(found, scene)
    colours = _colours(scene, found)
    levels = sheets.levels_of(_of_part(scene, found), mel, FRAMES).result
    plots = pictures.beside(levels, found.shown), pictures.layers(colours, found.shown)
    about = pictures.describe_layers(colours, found.shown)
    return scene.sheet(plots, about, (), _made("inside", scene, found))


def _colours(scene: Scene, found: Look) -> Colours:
    def compute() -> Colours:
        return layers.colours(found.block.frames)

    subject = found.subject
    return scene.of(
        _kept, of="colours", model=subject.key, starts=subject.starts, compute=compute
    )


def _kept(_: Clip, *, compute: Callable[[], Any], **settings: Any) -> Any:
    """Compute something of a block; kept by its settings."""
    return compute()


def _of_part(scene: Scene, found: Look) -> Scene:
    """Return the scene of what is seen of a block; a spectrogram can be of that alone."""
    start_s, stop_s = found.shown.shown_s
    is_all = start_s <= 0 and stop_s >= scene.clip.duration_s
    view = None if is_all else (max(start_s, 0.0), min(stop_s, scene.clip.duration_s))
    return Scene(scene.clip, scene.transforms, scene.language, view)


def draw_repeats(
    models: Models,
    scene: Scene,
    layer: int,
    smoothing_s: float,
    classifier: str | None,
) -> Sheet:
    """Draw how alike every moment is with every other."""
    found = look(models, scene, classifier)
    if isinstance(found, Subject):
        return _nothing(found, scene)
    at = min(layer, found.block.n_layers)
    about = pictures.describe_repeats(found.shown, at, smoothing_s)
    n_smoothed = round(smoothing_s / found.block.hop_s)
    made = _made("repeats", scene, found, layer=at, n_smoothed=n_smoothed)
    plot = pictures.repeats(found.shown, at, smoothing_s)
    return scene.sheet((plot,), about, (), made)


def draw_attention(
    models: Models,
    scene: Scene,
    layer: int,
    head: int,
    moment_s: float,
    classifier: str | None,
) -> Sheet:
    """Draw where one moment takes from in one head, and where all others do."""
    found = look(models, scene, classifier)
    if isinstance(found, Subject):
        return _nothing(found, scene)
    if not inside.has_attention(found.model):
        about = i18n.word(
            "viz.about_no_attention", scene.language, title=found.shown.name
        )
        return scene.sheet((), about)
    layer = min(max(layer, 1), found.block.n_layers)
    head = min(max(head, 1), inside.n_heads(found.model))
    weights = _attention(models, scene, found, layer, head)
    frame = _frame(found, moment_s)
    plots = pictures.attention(weights, found.shown, frame, layer, head)
    about = pictures.describe_attention(weights, found.shown, frame, layer, head)
    made = _made(
        "attention",
        scene,
        found,
        layer=layer,
        head=head,
        window_start=found.subject.starts[int(found.block.owners[frame])],
        frame=int(found.block.columns[frame]),
    )
    return scene.sheet(plots, about, (), made)


def _attention(
    models: Models, scene: Scene, found: Look, layer: int, head: int
) -> Attention:
    def compute() -> Attention:
        work = partial(inside.attention, found.block, found.model, layer, head - 1)
        return models.queue.run(work)

    return scene.of(
        _kept,
        of="attention",
        model=found.subject.key,
        starts=found.subject.starts,
        layer=layer,
        head=head,
        compute=compute,
    )


def _frame(found: Look, moment_s: float) -> int:
    """Find the frame of a moment; of one that is not seen, that in the middle."""
    start_s, stop_s = found.shown.shown_s
    is_seen = start_s <= moment_s <= stop_s
    return found.block.nearest(moment_s if is_seen else (start_s + stop_s) / 2)


def _made(picture: str, scene: Scene, found: Look, **settings: Any) -> Any:
    """Return where the numbers came from, for a script that computes them again."""
    subject = found.subject
    names = {"bundled": "assets/models/bundled", "run": f"runs/{subject.ref.id}/model"}
    start_s, stop_s = found.shown.shown_s
    return scene.provenance(
        picture,
        model=names.get(subject.ref.source, subject.ref.id),
        window_starts=subject.starts,
        n_window=subject.windows.n_window,
        frames=_kept_frames(found.block),
        **settings,
        seen_start_s=round(start_s, 6),
        seen_stop_s=round(stop_s, 6),
    )


def _kept_frames(block: Block) -> tuple[tuple[int, int], ...]:
    """List the first frame of each window that is shown, and the one after the last."""
    columns = [
        block.columns[block.owners == owner] for owner in range(len(block.states))
    ]
    return tuple(
        (int(each[0]), int(each[-1]) + 1) if len(each) else (0, 0) for each in columns
    )


def _nothing(subject: Subject, scene: Scene) -> Sheet:
    """Return a sheet without a picture, with the reason."""
    if subject.front is None:
        name = title(subject.ref, scene.language)
        about = i18n.word("viz.about_no_layers", scene.language, title=name)
    else:
        about = phrase("silence", scene.language)
    return scene.sheet((), about)
