"""Encode a clip by a lossy codec, decode it, and find what that took away.

FFmpeg, in PyAV's wheel, encodes one channel at a constant bit rate. Every encoder looks
ahead, so that its sound comes late: that delay is measured on a burst of noise and cut.
Where an encoder lowers the level, that is undone, or it would be most of the difference.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import log10
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from audio import transforms
from audio.clip import Clip, Samples
from audio.levels import FLOOR_DB
from audio.transforms import Frames
from audio.transforms.separation import frame_length, relative_db
from errors import KnownError

if TYPE_CHECKING:
    from av import AudioStream

KBITS = (32, 48, 64, 96, 128, 192, 256, 320)  # a second
LONGEST_S = 30.0  # of an excerpt
FEWEST = 4096  # samples that are encoded; silence is added to fewer
BURST_S = 0.25  # of noise, on which a delay is measured
BAND_BINS = 8  # that are compared together, about 170 Hz
LOST_DB = 10.0  # a band that is lower by this is gone
FAINT_DB = -100.0  # dBFS; below, there was nothing to lose
FULL_SCALE = 32768  # of 16 bits


@dataclass(frozen=True)
class Codec:
    """How FFmpeg encodes a format.

    Attributes:
        encoder: its name.
        container: that the file is written in.
        rates: sampling rates that it takes (Hz), rising.
        most: the highest bit rate (bit/s) at a sampling rate; None where none is asked
            for, because every sample is kept.
        layout: of the samples that it is given: "fltp", "flt" or "s16".
        options: of the encoder.
        gain: what the encoder multiplies the sound by, at a bit rate.
    """

    encoder: str
    container: str
    rates: tuple[int, ...]
    most: Callable[[int], int] | None
    layout: str
    options: Mapping[str, str] = field(default_factory=dict)
    gain: Callable[[int], float] = lambda _: 1.0

    @property
    def is_lossless(self) -> bool:
        """Whether every sample comes back."""
        return self.most is None

    def rate_for(self, sampling_rate: int) -> int:
        """Return the lowest rate that holds a sound of this one (Hz), or the highest."""
        return next((r for r in self.rates if r >= sampling_rate), self.rates[-1])


def _most_of_mp3(rate: int) -> int:
    """Return the highest bit rate of MPEG-1, MPEG-2 or MPEG-2.5 audio, layer III."""
    return 320_000 if rate >= 32_000 else 160_000 if rate >= 16_000 else 64_000


def _gain_of_lame(bit_rate: int) -> float:
    """Return what LAME 3.100 multiplies by, so that coarse rounding clips less."""
    return 0.95 if bit_rate <= 160_000 else 0.97 if bit_rate < 256_000 else 1.0


MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
CODECS: Mapping[str, Codec] = {
    "mp3": Codec(
        "libmp3lame", "mp3", MP3_RATES, _most_of_mp3, "fltp", gain=_gain_of_lame
    ),
    # 6144 bits at most for 1024 samples of a channel.
    "aac": Codec("aac", "mp4", (*MP3_RATES, 96_000), lambda rate: 6 * rate, "fltp"),
    "opus": Codec(
        "libopus", "ogg", (48_000,), lambda _: 256_000, "flt", {"vbr": "off"}
    ),
    "vorbis": Codec("libvorbis", "ogg", MP3_RATES, lambda rate: 5 * rate, "fltp"),
    "flac": Codec("flac", "flac", (*MP3_RATES, 96_000), None, "s16"),
}


@dataclass(frozen=True, eq=False)
class Trip:
    """Samples that went through a codec and back.

    Attributes:
        samples: float32, as many as before, none later than it was.
        n_bytes: of the file.
        delay: samples that the codec had put before them.
    """

    samples: Samples
    n_bytes: int
    delay: int


RoundTrip = Callable[[Samples, int, str, int], Trip]


@dataclass(frozen=True, eq=False)
class Coded:
    """An excerpt before and after a codec, sample by sample at the same time.

    Attributes:
        original: float32 (n_samples,), at the codec's rate.
        coded: likewise, cut off at full scale, as players do.
        sampling_rate: of both (Hz).
        codec: a key of ``CODECS``.
        bit_rate: bit/s that the encoder was given; 0 for a lossless one.
        n_bytes: of the file, header included.
        n_bytes_of_samples: that 16 bits a sample take at the sound's own rate.
        delay: samples that were cut from its beginning.
        turned_down_db: by which the encoder had lowered the level; that is undone.
    """

    original: Samples
    coded: Samples
    sampling_rate: int
    codec: str
    bit_rate: int
    n_bytes: int
    n_bytes_of_samples: int
    delay: int
    turned_down_db: float

    @property
    def difference(self) -> Samples:
        """What the codec has changed: coded minus original, float32 (n_samples,)."""
        return self.coded - self.original

    @property
    def error_db(self) -> float | None:
        """Level of the difference, relative to the original; None where that is silent."""
        return relative_db(self.difference, self.original)

    @functools.cached_property
    def cutoff_hz(self) -> float | None:
        """Frequency above which nothing is left of what there was; None for none."""
        return cutoff_hz(self.original, self.coded, self.sampling_rate)


def offered() -> tuple[str, ...]:
    """List the codecs that this FFmpeg can encode, of ``CODECS``."""
    import av

    def is_here(encoder: str) -> bool:
        """Return whether this FFmpeg was built with an encoder."""
        try:
            av.codec.Codec(encoder, "w")
        except av.codec.codec.UnknownCodecError:
            return False
        return True

    return tuple(name for name, codec in CODECS.items() if is_here(codec.encoder))


def allowed_bit_rate(name: str, sampling_rate: int, bit_rate: int) -> int:
    """Return the bit rate, or the highest that a codec has at a rate; 0 for lossless."""
    most = CODECS[name].most
    return 0 if most is None else min(bit_rate, most(sampling_rate))


def round_trip(samples: Samples, rate: int, name: str, bit_rate: int) -> Trip:
    """Encode samples to a file in memory, and decode it.

    Args:
        samples: float32 (n_samples,) in [-1, 1].
        rate: Hz, one of the codec's.
        name: of the codec.
        bit_rate: bit/s, not more than is allowed.

    Raises:
        KnownError: ``not_a_choice`` for a codec that this FFmpeg cannot encode.
    """
    import av

    av.logging.set_level(av.logging.ERROR)
    check_offered(name)
    padded = np.pad(samples, (0, max(FEWEST - len(samples), 0)))
    data = _encoded(padded, rate, CODECS[name], bit_rate)
    delay = _delay(name, rate, bit_rate)
    found = _decoded(data)[delay : delay + len(samples)]
    missing = len(samples) - len(found)
    return Trip(np.pad(found, (0, missing)), len(data), delay)


def check_offered(name: str) -> None:
    """Refuse a codec that this FFmpeg cannot encode.

    Raises:
        KnownError: ``not_a_choice``.
    """
    choices = offered()
    if name not in choices:
        raise KnownError("not_a_choice", field="codec", value=name, choices=choices)


def coded(
    clip: Clip,
    *,
    start_s: float,
    stop_s: float,
    codec: str,
    bit_rate: int,
    through: RoundTrip = round_trip,
) -> Coded:
    """Encode and decode the excerpt from ``start_s`` to ``stop_s`` (s).

    Args:
        clip: any sound.
        start_s: of the excerpt.
        stop_s: of the excerpt, ``LONGEST_S`` later at most.
        codec: a key of ``CODECS``.
        bit_rate: bit/s; more than the codec has at the sound's rate means its most.
        through: encodes and decodes, in another process where there is one.

    Raises:
        KnownError: ``not_a_choice``, or what ``through`` raises.
    """
    if codec not in CODECS:
        choices = tuple(CODECS)
        raise KnownError("not_a_choice", field="codec", value=codec, choices=choices)
    stop_s = min(stop_s, start_s + LONGEST_S)
    first, stop = (round(at_s * clip.sampling_rate) for at_s in (start_s, stop_s))
    rate = CODECS[codec].rate_for(clip.sampling_rate)
    part = Clip(clip.part(first, stop), clip.sampling_rate).resampled(rate)
    bit_rate = allowed_bit_rate(codec, rate, bit_rate)
    found = through(part.samples, rate, codec, bit_rate)
    gain = CODECS[codec].gain(bit_rate)
    return Coded(
        original=part.samples,
        coded=np.clip(found.samples / np.float32(gain), -1, 1),
        sampling_rate=rate,
        codec=codec,
        bit_rate=bit_rate,
        n_bytes=found.n_bytes,
        n_bytes_of_samples=2 * (min(stop, clip.n_samples) - first),
        delay=found.delay,
        turned_down_db=-20 * log10(gain),
    )


def cutoff_hz(original: Samples, after: Samples, rate: int) -> float | None:
    """Find the frequency above which nothing is left of what there was (Hz).

    Mean power is compared in bands of ``BAND_BINS`` bins: a band that held more than
    ``FAINT_DB`` is gone where ``LOST_DB`` of it are missing.

    Returns:
        The upper edge of the highest band that is left; None where none above is gone.
    """
    n_fft = frame_length(rate)
    before_db, after_db = (_bands_db(x, rate, n_fft) for x in (original, after))
    was_there = before_db > FAINT_DB
    is_gone = was_there & (before_db - after_db > LOST_DB)
    left = np.flatnonzero(was_there & ~is_gone)
    n_left = int(left[-1]) + 1 if len(left) else 0
    if not is_gone[n_left:].any():
        return None
    return n_left * BAND_BINS * rate / n_fft


def lag(one: NDArray[Any], other: NDArray[Any]) -> int:
    """Find by how many samples the other comes later: the peak of the correlation."""
    n = len(one) + len(other)  # so that nothing comes round
    product = np.conj(np.fft.rfft(one, n)) * np.fft.rfft(other, n)
    found = int(np.argmax(np.fft.irfft(product, n)))
    return found if found < len(other) else found - n


def _bands_db(samples: Samples, rate: int, n_fft: int) -> NDArray[np.float64]:
    """Measure the mean level of each band (dBFS), the lowest first."""
    frames = Frames(n_fft=n_fft, hop_length=n_fft // 2, n_columns=1, pooling="mean")
    levels_db = transforms.stft(Clip(samples, rate), frames).levels_db[:-1, 0]
    power = 10 ** (levels_db.astype(np.float64) / 10)
    mean = power.reshape(-1, BAND_BINS).mean(axis=1)
    return cast(
        "NDArray[np.float64]", 10 * np.log10(np.maximum(mean, 10 ** (FLOOR_DB / 10)))
    )


@functools.cache
def _delay(name: str, rate: int, bit_rate: int) -> int:
    """Measure how many samples late a codec's sound comes, on a burst of noise."""
    n_samples = max(round(BURST_S * rate), FEWEST)
    fading = np.exp(-8 * np.arange(n_samples) / n_samples)
    burst = 0.3 * fading * np.random.default_rng(0).uniform(-1, 1, n_samples)
    samples = burst.astype(np.float32)
    return lag(samples, _decoded(_encoded(samples, rate, CODECS[name], bit_rate)))


def _encoded(samples: Samples, rate: int, codec: Codec, bit_rate: int) -> bytes:
    """Encode samples in [-1, 1]; return the file's bytes."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=codec.container) as container:
        options = dict(codec.options)
        added = container.add_stream(
            codec.encoder, rate=rate, layout="mono", options=options
        )
        stream = cast("AudioStream", added)
        if bit_rate:
            stream.bit_rate = bit_rate
        values = samples[None]
        if codec.layout == "s16":
            steps = np.rint(values.astype(np.float64) * FULL_SCALE)
            values = np.clip(steps, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(values), format=codec.layout, layout="mono"
        )
        frame.sample_rate, frame.pts = rate, 0
        frame.time_base = Fraction(1, rate)
        for packets in (stream.encode(frame), stream.encode(None)):
            container.mux(packets)
    return file.getvalue()


def _decoded(data: bytes) -> Samples:
    """Decode a file of ours, its encoder's delay included."""
    import av
    from av.codec.context import Flags2

    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        stream.codec_context.flags2 |= Flags2.skip_manual
        resampler = av.AudioResampler("flt", "mono")
        frames = [
            packed
            for frame in (*container.decode(stream), None)
            for packed in resampler.resample(frame)
        ]
        parts = [frame.to_ndarray()[0] for frame in frames]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
