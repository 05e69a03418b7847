"""What holds for every input: decoding, transforms, configs, events, splits."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from audio import decode, transforms
from audio.clip import Clip
from audio.decode.pool import Bounds, DecoderPool
from audio.levels import power
from audio.transforms import Frames, inversion, overlap_add
from audio.transforms.windows import WINDOWS, window_values
from errors import KnownError
from support.odd_headers import whole
from trainer import base_models
from trainer.config import PRESETS, RunConfig, preset
from trainer.data.splits import SplitOptions, split
from trainer.run import events

pytestmark = pytest.mark.minute

RATE = 8_000
# The same examples on every machine, on however busy a one.
steadily = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
STARTS = [b"RIFF\xff\0\0\0WAVEfmt ", b"fLaC\0\0\0\x22", b"OggS\0\2", b"ID3\4\0\0", b""]
windows = st.sampled_from(sorted(WINDOWS))
lengths = st.integers(32, 512).map(lambda half: 2 * half)
seeds = st.integers(0, 2**32 - 1)


def sound(seed, n_samples):
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, n_samples)
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def readers():
    readers = DecoderPool({}, 1, Bounds(wall_s=120.0))
    yield readers
    readers.close()


def heard(path, content, readers):
    path.write_bytes(content)
    try:
        return decode.load(path, limits=decode.Limits(decoder=readers)).clip
    except KnownError as error:
        assert error.code != "decoder_gave_up"
        return None


@steadily
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=2000))
def test_any_bytes_are_a_clip_or_a_known_error(tmp_path, readers, start, rest):
    clip = heard(tmp_path / "a", start + rest, readers)
    assert clip is None or np.isfinite(clip.samples).all()


@steadily
@given(suffix=st.sampled_from(sorted(whole())), data=st.data())
def test_any_spoilt_song_is_a_clip_or_a_known_error(tmp_path, readers, suffix, data):
    content = bytearray(whole()[suffix])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + 8] = data.draw(st.binary(max_size=16))
    clip = heard(tmp_path / "a", bytes(content), readers)
    assert clip is None or np.abs(clip.samples).max() <= 1


@steadily
@given(seed=seeds, n_fft=lengths)
def test_parseval_energy_is_the_same_in_time_and_frequency(seed, n_fft):
    samples = sound(seed, n_fft)
    bins = overlap_add.spectra(samples, np.ones(n_fft, np.float32), n_fft, 0)
    energies = np.abs(bins[0].astype(complex)) ** 2
    energy = (2 * energies.sum() - energies[0] - energies[-1]) / n_fft
    assert energy == pytest.approx(np.sum(samples.astype(float) ** 2), rel=1e-4)


@steadily
@given(seed=seeds, n_fft=lengths, window=windows, data=st.data())
def test_transform_of_a_mix_is_the_mix_of_the_transforms(seed, n_fft, window, data):
    hop = data.draw(st.integers(max(n_fft // 64, 1), n_fft))
    a, b = data.draw(st.floats(-2, 2)), data.draw(st.floats(-2, 2))
    one, two = sound(seed, 3 * n_fft), sound(seed + 1, 3 * n_fft)
    taper = window_values(window, n_fft).astype(np.float32)
    parts = [overlap_add.spectra(each, taper, hop, n_fft) for each in (one, two)]
    mixed = np.float32(a) * one + np.float32(b) * two
    both = overlap_add.spectra(mixed.astype(np.float32), taper, hop, n_fft)
    np.testing.assert_allclose(both, a * parts[0] + b * parts[1], atol=1e-3)


@steadily
@given(seed=seeds, n_fft=lengths, window=windows, data=st.data())
def test_frames_give_back_the_sound_wherever_their_windows_add_up(
    seed, n_fft, window, data
):
    hop = data.draw(st.integers(max(n_fft // 64, 1), n_fft))
    clip = Clip(sound(seed, data.draw(st.integers(1, 4 * n_fft))), RATE)
    taper = window_values(window, n_fft).astype(np.float32)
    bins = overlap_add.spectra(clip.samples, taper, hop, n_fft)
    total = overlap_add.added(overlap_add.inverse(bins, n_fft), hop)[n_fft:]
    n_whole = min(clip.n_samples, len(total) - n_fft)
    ripple = overlap_add.window_sum(window, n_fft, hop)
    assume(ripple.min() > 0.05 and n_whole > 0)
    # Where every sample is under all its windows, dividing by their sum is exact.
    told = np.tile(ripple, math.ceil((n_fft + n_whole) / hop) + 1)[n_fft:][:n_whole]
    gain = hop / taper.astype(float).sum()
    rebuilt = gain * total[:n_whole] / told
    np.testing.assert_allclose(rebuilt, clip.samples[:n_whole], atol=2e-4)
    trip = inversion.inverse_stft(clip, n_fft=n_fft, hop_length=hop, window=window)
    assert not trip.is_cola or trip.error_db < -80


@steadily
@given(seed=seeds, n_fft=lengths, window=windows, n_hops=st.integers(1, 5))
def test_sound_that_comes_later_is_seen_later(seed, n_fft, window, n_hops):
    hop, samples = n_fft // 4, sound(seed, 6 * n_fft)
    later = np.concatenate([np.zeros(n_hops * hop, np.float32), samples])
    frames = Frames(n_fft, hop, window)
    one = transforms.stft(Clip(samples, RATE), frames).levels_db
    two = transforms.stft(Clip(later, RATE), frames).levels_db
    n_columns = one.shape[1]
    shifted = two[:, n_hops : n_hops + n_columns]
    np.testing.assert_allclose(power(shifted), power(one), rtol=1e-2, atol=1e-9)


@steadily
@given(seed=seeds, n_samples=lengths, window=windows, gain=st.floats(0.01, 1.0))
def test_half_as_loud_is_as_many_decibels_lower_everywhere(
    seed, n_samples, window, gain
):
    samples = sound(seed, n_samples)
    given = {"n_samples": n_samples, "window": window, "reference": "full_scale"}
    loud = transforms.dft(Clip(samples, RATE), **given).levels_db
    soft = transforms.dft(Clip(np.float32(gain) * samples, RATE), **given).levels_db
    is_clear = soft > -100
    change_db = 20 * np.log10(gain)
    np.testing.assert_allclose((soft - loud)[is_clear], change_db, atol=0.05)


FIELDS = {item.name: item for item in dataclasses.fields(RunConfig)}
NUMBERS = {name: f for name, f in FIELDS.items() if "minimum" in f.metadata}


def values_of(item):
    """What a field may be."""
    if item.name == "preset":
        return st.sampled_from(sorted(PRESETS))
    if item.name == "data":
        paths = st.text(max_size=20)
        return st.one_of(
            st.sampled_from(["gtzan", "composed"]),
            *(paths.map(kind.__add__) for kind in ("folder:", "zip:", "hub:")),
        )
    if item.name == "base_model":
        return st.sampled_from(base_models.CHOICES)
    if "choices" in item.metadata:
        return st.sampled_from(item.metadata["choices"])
    if "minimum" not in item.metadata:
        return st.booleans()
    low, high = item.metadata["minimum"], item.metadata["maximum"]
    return st.integers(low, high) if item.type == "int" else st.floats(low, high)


configs = st.builds(RunConfig, **{n: values_of(item) for n, item in FIELDS.items()})
anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(), st.none(), max_size=1),
)  # fmt: skip


@steadily
@given(config=configs)
def test_config_survives_its_file(config):
    assert RunConfig.from_json(config.to_json()) == config


@steadily
@given(config=configs)
def test_config_survives_its_command_line(config):
    assert config.command().startswith("python -m trainer --preset")
    assert "\n" not in config.to_json().split('"data": ')[1].split(",\n")[0]


@steadily
@given(name=st.sampled_from(sorted(NUMBERS)), data=st.data())
def test_number_outside_its_range_is_a_known_error(name, data):
    item = NUMBERS[name]
    low, high = item.metadata["minimum"], item.metadata["maximum"]
    numbers = st.integers() if item.type == "int" else st.floats()
    value = data.draw(numbers.filter(lambda v: not low <= v <= high))
    with pytest.raises(KnownError, match="out_of_range"):
        dataclasses.replace(preset("smoke"), **{name: value})


@steadily
@given(name=st.sampled_from(sorted(FIELDS)), value=anything)
def test_field_of_any_value_is_taken_or_a_known_error(name, value):
    try:
        config = dataclasses.replace(preset("smoke"), **{name: value})
    except KnownError as error:
        assert error.details
    else:
        assert getattr(config, name) == value


def of_kind(kind):
    """Events of a kind; numbers are finite, since NaN is not equal to itself."""
    drawn = {
        "str": st.text(max_size=40),
        "int": st.integers(0, 10**9),
        "float": st.floats(allow_nan=False),
        "float | None": st.none() | st.floats(allow_nan=False),
        "Mapping[str, Any]": st.dictionaries(st.text(max_size=9), st.integers()),
    }
    return st.builds(kind, **{f.name: drawn[f.type] for f in dataclasses.fields(kind)})


every_event = st.one_of(*map(of_kind, events.KINDS.values()))


@steadily
@given(event=every_event)
def test_event_survives_its_line(event):
    line = events.to_line(event)
    assert "\n" not in line
    assert events.from_line(line) == event


@steadily
@given(event=every_event, data=st.data())
def test_torn_line_is_no_event(event, data):
    line = events.to_line(event)
    at = data.draw(st.integers(0, len(line) - 1))
    assert events.from_line(line[:at]) is None


@steadily
@given(value=st.recursive(anything, lambda each: st.lists(each, max_size=3)))
def test_line_of_any_json_is_an_event_or_none(value):
    told = events.from_line(json.dumps(value))
    assert told is None or isinstance(told, events.RunEvent)


counts = st.lists(st.integers(2, 12), min_size=2, max_size=6)
fractions = st.floats(0.05, 0.5)


@steadily
@given(counts=counts, test=fractions, validation=st.floats(0, 0.4), seed=seeds)
def test_split_is_disjoint_and_complete_with_each_genre_in_both_parts(
    counts, test, validation, seed
):
    labels = np.repeat(np.arange(len(counts)), counts)
    wish = SplitOptions(
        "stratified", test, 0.0 if validation < 0.05 else validation, seed
    )
    parts = split(labels, wish)
    held = [parts.train, parts.test]
    if parts.is_honest:
        held.append(parts.validation)
    songs = np.concatenate(held)
    assert sorted(songs) == list(range(len(labels)))
    assert set(labels[parts.test]) == set(labels)
    if not parts.is_honest:
        assert set(labels[parts.train]) == set(labels)


@pytest.mark.filterwarnings("ignore:The least populated class")
@steadily
@given(counts=counts, test=fractions, seed=seeds, n_groups=st.integers(3, 9))
def test_group_stays_on_one_side(counts, test, seed, n_groups):
    labels = np.repeat(np.arange(len(counts)), counts)
    groups = [str(k % n_groups) for k in range(len(labels))]
    assume(len(set(groups)) >= 3)
    parts = split(labels, SplitOptions("group", test, 0.0, seed), groups=groups)
    taught, tested = ({groups[k] for k in part} for part in (parts.train, parts.test))
    assert not taught & tested
    assert taught | tested == set(groups)
