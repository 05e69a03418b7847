"""Zips from strangers, for the classifier and for the trainer: nothing leaves its folder.

Each is made by hand where Python's own writer would refuse to.
"""

import io
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio.decode import archive
from audio.decode.archive import ZipLimits, unpacked
from audio.library import tables
from errors import KnownError
from support.files import write_audio
from support.signals import tone
from trainer.data import sources

pytestmark = pytest.mark.minute

steadily = settings(
    derandomize=True,
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
names = st.text(st.sampled_from(list("ab./\\:~*? \n<>&\"'|\u202e歌\0")), max_size=30)
names = names.filter(lambda name: name[:1] != "\0").map("{}.mp3".format)
contents = st.binary(max_size=300)
entries = st.lists(st.tuples(names, contents), min_size=1, max_size=6)
LIMITS = ZipLimits(max_files=200, max_bytes=1_000_000)


def zipped(path, songs, packing=zipfile.ZIP_STORED):
    """A zip of (name or entry, bytes) pairs; names may come twice."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in songs:
            entry = zipfile.ZipInfo(name)  # of one date, whatever today is
            archive.writestr(entry, content, packing)
    return path


def outcomes(path, folder):
    """What becomes of a zip at both doors: paths of its songs, and codes."""
    paths, codes = [], []
    try:
        paths = [song.path for song in unpacked(path, folder, LIMITS)]
    except KnownError as error:
        codes.append(error.code)
    try:
        for song in sources.zip_songs(path).songs:
            try:
                song.read()
            except KnownError as error:
                codes.append(error.code)
    except KnownError as error:
        codes.append(error.code)
    return paths, codes


def fresh(folder):
    """An empty folder for one example."""
    home = folder / str(len(list(folder.iterdir())))
    (home / "out").mkdir(parents=True)
    return home


@pytest.mark.filterwarnings("ignore:Duplicate name")
@steadily
@given(songs=entries)
def test_names_of_any_kind_stay_in_the_folder(tmp_path, songs):
    home = fresh(tmp_path)
    archive = zipped(home / "a.zip", songs)
    paths, _ = outcomes(archive, home / "out")
    assert all(path.parent == home / "out" for path in paths)
    assert {path.name for path in home.iterdir()} == {"a.zip", "out"}
    assert all(path.stem.isdigit() for path in (home / "out").iterdir())


@steadily
@given(songs=entries, data=st.data())
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_spoilt_zip_is_songs_or_a_known_error(tmp_path, songs, data):
    home = fresh(tmp_path)
    packing = data.draw(st.sampled_from([0, 8, 12, 14]))
    content = bytearray(zipped(home / "a.zip", songs, packing).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + 4] = data.draw(st.binary(max_size=6))
    (home / "a.zip").write_bytes(content)
    outcomes(home / "a.zip", home / "out")
    n_bytes = sum(path.stat().st_size for path in (home / "out").iterdir())
    assert n_bytes <= LIMITS.max_bytes + 2**20
    assert {path.name for path in home.iterdir()} == {"a.zip", "out"}


def codes_of(tmp_path, path):
    home = fresh(tmp_path)
    return outcomes(path, home / "out")[1]


def test_hundred_thousand_entries_are_refused(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/0.mp3", b"")
    one = packed.getvalue()
    at = one.index(b"PK\1\2")
    entry, end = one[at : one.index(b"PK\5\6")], bytearray(one[one.index(b"PK\5\6") :])
    n_entries = 60_000  # the most that a plain zip may count
    end[8:12] = struct.pack("<HH", n_entries, n_entries)
    end[12:16] = struct.pack("<I", n_entries * len(entry))
    path = tmp_path / "many.zip"
    path.write_bytes(one[:at] + entry * n_entries + bytes(end))
    assert codes_of(tmp_path, path) == ["zip_too_many"] * 2


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_same_name_twice_is_two_songs(tmp_path):
    sound = write_audio(tmp_path / "a.wav", tone()).read_bytes()
    archive = zipped(tmp_path / "a.zip", [("g/a.wav", sound), ("g/a.wav", sound)])
    home = fresh(tmp_path)
    paths, codes = outcomes(archive, home / "out")
    assert [path.read_bytes() for path in paths] == [sound, sound]
    assert not codes


def test_zip_in_a_zip_is_not_opened(tmp_path):
    inner = zipped(tmp_path / "inner.zip", [("g/a.mp3", b"x")]).read_bytes()
    assert codes_of(tmp_path, zipped(tmp_path / "a.zip", [("g/a.zip", inner)])) == [
        "zip_without_songs",
        "no_genres",
    ]
    named = zipped(tmp_path / "b.zip", [("g/a.mp3", inner)])
    assert codes_of(tmp_path, named) == ["not_audio"]  # a song that is none


def test_password_is_said_to_be_in_the_way(tmp_path):
    path = zipped(tmp_path / "a.zip", [("g/a.mp3", b"x" * 100)])
    content = bytearray(path.read_bytes())
    content[6] |= 1  # of the song's own header, and of the list at the end
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert codes_of(tmp_path, path) == ["zip_broken", "unreadable"]


@pytest.mark.parametrize("said", [0, 1, 10_000, 2**31])
def test_size_that_lies_is_never_exceeded(tmp_path, said):
    path = zipped(tmp_path / "a.zip", [("g/a.mp3", b"x" * 5_000)], zipfile.ZIP_DEFLATED)
    content = path.read_bytes()
    size, lie = struct.pack("<I", 5_000), struct.pack("<I", said)
    path.write_bytes(content.replace(size, lie))
    home = fresh(tmp_path)
    paths, codes = outcomes(path, home / "out")
    assert codes
    assert sum(song.stat().st_size for song in paths) <= 5_000


def test_list_that_is_a_bomb_is_read_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MAX_BYTES", 1000)
    listed = b"file,artist\ng/a.mp3,Ann\n" + b"x,y\n" * 500_000
    songs = [("songs.csv", listed), ("g/a.mp3", b"x"), ("h/b.mp3", b"x")]
    path = zipped(tmp_path / "a.zip", songs, zipfile.ZIP_DEFLATED)
    found = {song.name: song.group for song in sources.zip_songs(path).songs}
    assert found == {"g/a.mp3": "Ann", "h/b.mp3": ""}


@pytest.mark.parametrize(
    "listed",
    ["file,artist\ng/a.mp3,Ann,more,and more\n", 'file,artist\n"g/a.mp3', "\0\n\0",
     "file\n" + "x" * 200_000, ",,,\n,,,\n", "file,file,artist\na,g/a.mp3,Ann\n"],
)  # fmt: skip
def test_list_of_any_kind_keeps_no_song_away(tmp_path, listed):
    songs = [("songs.csv", listed.encode()), ("g/a.mp3", b"x")]
    (song,) = sources.zip_songs(zipped(tmp_path / "a.zip", songs)).songs
    assert song.name == "g/a.mp3"


def test_name_of_any_length_is_read(tmp_path):
    sound = write_audio(tmp_path / "a.wav", tone()).read_bytes()
    path = zipped(tmp_path / "a.zip", [(f"g/{'x' * 900}.wav", sound)])
    (song,) = sources.zip_songs(path).songs
    assert song.read().duration_s == 1.0


def n_refused_unread(path, monkeypatch):
    """How many entries a zip is refused for, before Python reads its directory."""
    monkeypatch.setattr(zipfile, "ZipFile", None)  # would read it
    with (
        pytest.raises(KnownError, match="zip_too_many") as refused,
        archive.opened(path),
    ):
        pass
    return refused.value.details["n"]


def test_directory_that_is_too_large_is_refused_before_it_is_read(
    tmp_path, monkeypatch
):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as written:
        for number in range(2000):
            written.writestr(f"{number}.wav", b"")
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 50_000)
    assert n_refused_unread(path, monkeypatch) == 2000


@pytest.mark.parametrize("told", [60_000, 1])
def test_directory_of_too_many_entries_is_refused_before_it_is_read(
    tmp_path, monkeypatch, told
):
    path, entry = tmp_path / "many.zip", b"PK\1\2" + bytes(42) + b"a"
    size = 60_000 * len(entry)
    end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, told, told, size, 0)
    end += struct.pack("<4sIQI", b"PK\6\7", 0, size, 1)
    end += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65_535, 65_535, size, 0, 0)
    path.write_bytes(entry * 60_000 + end)
    assert n_refused_unread(path, monkeypatch) == 60_000
