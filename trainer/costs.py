"""What a base model costs, so that a run can be estimated before it starts.

Processor seconds and memory for a second of sound: measured for DistilHuBERT and for the
small HuBERT, scaled by their multiplications for the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from trainer import catalogue


@dataclass(frozen=True)
class Cost:
    """What a base model costs.

    Attributes:
        n_parameters: weights.
        cpu_s: processor seconds of one thread for a second of sound, there and back,
            by the part that is trained; what stays as it is was recorded before.
        test_cpu_s: the same for a second that is only heard.
        gpu_s: seconds of a current GPU for a second of sound, there and back.
        step_bytes: memory for a second of sound in a batch, by the part.
    """

    n_parameters: int
    cpu_s: dict[str, float]
    test_cpu_s: float
    gpu_s: float
    step_bytes: dict[str, float]

    def scaled(self, n_parameters: int, ratio: float) -> Cost:
        """The cost of a model with ``ratio`` times the multiplications a second."""
        return Cost(
            n_parameters,
            {part: ratio * cost_s for part, cost_s in self.cpu_s.items()},
            ratio * self.test_cpu_s,
            ratio * self.gpu_s,
            {part: ratio * n_bytes for part, n_bytes in self.step_bytes.items()},
        )


SMALL = Cost(
    n_parameters=550_000,
    cpu_s={"all": 0.011, "encoder": 0.005, "head": 0.0001},
    test_cpu_s=0.003,
    gpu_s=0.0002,
    step_bytes={"all": 2.1e6, "encoder": 1.2e6, "head": 1e4},
)
DISTIL = Cost(
    n_parameters=23_700_000,
    cpu_s={"all": 0.55, "encoder": 0.27, "head": 0.0005},
    test_cpu_s=0.15,
    gpu_s=0.002,
    step_bytes={"all": 72e6, "encoder": 24e6, "head": 1e5},
)
# DistilHuBERT and the small one were measured; the others follow from their
# multiplications: twelve layers after the same convolutions (HuBERT, wav2vec2), 1212
# patches for 10 s (AST), 1500 states for 30 s (Whisper).
BASE = DISTIL.scaled(94_600_000, 2.0)
COSTS = {
    catalogue.DEMO: SMALL,
    catalogue.SMALL: SMALL,
    catalogue.DISTILHUBERT: DISTIL,
    "MIT/ast-finetuned-audioset-10-10-0.4593": DISTIL.scaled(86_200_000, 3.8),
    "openai/whisper-tiny": DISTIL.scaled(8_300_000, 0.2),
    "openai/whisper-small": DISTIL.scaled(88_200_000, 1.7),
}
FRONT_END_SHARE = 0.7  # of hearing, in HuBERT and wav2vec2
FRONT_END_BYTES = 2 * 512 * 50  # recorded of a second: float16, channels, frames
