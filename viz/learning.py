"""Draw how a model learns: softmax and loss of one answer, and the losses of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import i18n
from audio.transforms.windows import Numbers
from viz import curves
from viz.curves import Curve
from viz.palette import ACCENT_LINE, GREY_LINE
from viz.plot import Axis, Line, Marks, Plot, bar, rounded
from viz.wording import described, phrase, with_minus

TOP_PERCENT = 112.0  # room for the words above a bar of 100 %
HIGHEST_LOSS = 6.0
N_POINTS = 200


def softmax(logits: Sequence[float]) -> Numbers:
    """Compute probabilities (n_genres,): e to each logit, divided by their sum."""
    powers = np.exp(np.array(logits, float) - max(logits))
    shares: Numbers = powers / powers.sum()
    return shares


def loss(logits: Sequence[float], truth: int) -> float:
    """Compute the cross-entropy, -ln of the true one's probability."""
    others = np.array(logits, float) - logits[truth]
    return float(np.logaddexp.reduce(others))  # exact where the probability is tiny


def bars(
    logits: Sequence[float], truth: int, names: Sequence[str], language: str
) -> Plot:
    """Draw the probability of each genre as a bar, the true one's in the accent."""
    percents = 100 * softmax(logits)
    middles = np.arange(len(percents)) + 0.5
    return Plot(
        name="softmax",
        x=Axis("row", 0.0, float(len(names)), "", names=tuple(names)),
        y=Axis("percent", 0.0, TOP_PERCENT, phrase("probability", language)),
        layers=(
            *(
                bar(x, percent, ACCENT_LINE if i == truth else GREY_LINE)
                for i, (x, percent) in enumerate(
                    zip(rounded(middles), rounded(percents, 3), strict=True)
                )
            ),
            Marks(
                rounded(middles),
                rounded(percents, 3),
                [f"{percent:.1f} %" for percent in percents],
                [0.0] * len(percents),
            ),
        ),
        title=phrase("softmax_title", language),
        facts=(phrase("true_one", language, genre=names[truth]),),
    )


def loss_curve(logits: Sequence[float], truth: int, language: str) -> Plot:
    """Draw the loss over the probability of the true genre; this answer is marked."""
    percents = np.geomspace(100 * np.exp(-HIGHEST_LOSS), 100, N_POINTS)
    losses = -np.log(percents / 100)
    here, percent = loss(logits, truth), 100 * float(softmax(logits)[truth])
    mark = Marks([round(percent, 4)], [min(here, HIGHEST_LOSS)], [f"{here:.2f}"])
    guess = 100 / len(logits)
    return Plot(
        name="cross_entropy",
        x=Axis("percent", 0.0, 100.0, phrase("probability_of_truth", language)),
        y=Axis("number", 0.0, HIGHEST_LOSS, phrase("loss", language)),
        layers=(
            Line(
                [guess, guess],
                [0.0, HIGHEST_LOSS],
                "rule",
                phrase("guessing", language),
                colour=GREY_LINE,
            ),
            Line(
                rounded(percents, 3),
                rounded(losses, 4),
            ),
            mark,
        ),
        title=phrase("cross_entropy_title", language),
    )


def table(
    logits: Sequence[float], truth: int, names: Sequence[str], language: str
) -> tuple[tuple[str, ...], ...]:
    """Tabulate logit, e to it, probability and gradient of each genre; the head first."""
    powers, shares = np.exp(np.array(logits, float)), softmax(logits)
    head = ("genre", "logit", "power", "probability", "gradient")
    rows = (
        (
            name,
            with_minus(f"{logit:g}"),
            f"{power:,.3g}" if power < 1000 else f"{power:,.0f}",
            f"{100 * share:.1f} %",
            with_minus(f"{share - (i == truth):+.3f}"),
        )
        for i, (name, logit, power, share) in enumerate(
            zip(names, logits, powers, shares, strict=True)
        )
    )
    return (tuple(i18n.word(f"see.learning_{name}", language) for name in head), *rows)


def describe(
    logits: Sequence[float], truth: int, names: Sequence[str], language: str
) -> str:
    """Describe the loss of an answer, and that of guessing."""
    best = int(np.argmax(logits))
    is_right = best == truth and list(logits).count(logits[best]) == 1
    details = {
        "genre": names[truth],
        "percent": 100 * float(softmax(logits)[truth]),
        "loss": loss(logits, truth),
        "n": len(names),
        "guess": float(np.log(len(names))),
        "answer": names[best],
    }
    last = "about_right_answer" if is_right else "about_wrong_answer"
    return described(("about_loss", last), language, **details)


def losses(
    training: Curve, validation: Curve, n_steps: int, best_step: int, language: str
) -> Plot:
    """Draw both losses of a run, with a rule where the validation's is lowest."""
    named = [
        Curve(phrase(name, language), each.steps, each.values)
        for name, each in (("of_training", training), ("of_validation", validation))
    ]
    plot = curves.plot("loss", named, language, n_steps=n_steps)
    name = phrase("lowest_validation", language, step=best_step)
    rule = Line([best_step, best_step], [0.0, plot.y.stop], "rule", name, GREY_LINE)
    return replace(
        plot,
        name="two_losses",
        title=phrase("two_losses_title", language),
        layers=(rule, *plot.layers),
    )


def accuracy(validation: Curve, n_steps: int, language: str) -> Plot:
    """Draw the share of right answers on the validation songs (percent)."""
    plot = curves.plot(
        "accuracy", [validation], language, n_steps=n_steps, is_percent=True
    )
    return replace(plot, name="validation_accuracy")
