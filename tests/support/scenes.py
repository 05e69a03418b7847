"""A clip as the lessons get it."""

from ui.scene import Scene, Transforms


def scene_of(clip, language="en", view=None):
    return Scene(clip, Transforms(), language, view)
