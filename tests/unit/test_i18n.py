"""Every text in every language, and a sentence for every error."""

import ast
import json
import re
import string

import pytest

import i18n
from errors import KnownError
from support.places import ROOT

SOURCES = [
    path
    for folder in (ROOT, *(ROOT / n for n in "audio viz trainer classifier ui".split()))
    for path in (folder.glob if folder == ROOT else folder.rglob)("*.py")
]
KEY = re.compile(r"[a-z]+\.\w+")
OTHERS = [language for language in i18n.LANGUAGES if language != "en"]

# Names, units and what must be typed as it is: the only Latin words in Chinese texts.
NAMES = set(
    """AAC Apache Audacity Blackman COLA CSV CUDA Cividis DFT DistilHuBERT FLAC Face GENRESCOPE
    GPU GTZAN Genrescope GiB Git Griffin HOME HTK HUB Hamming Hann Harris HuBERT Hub
    Hugging JSON Lim Magma NPZ NaN NumPy OFFLINE OGG Opus PCM PNG Parquet Python RMS
    SOURCE STFT SVG Slaney Space TOKEN TXT Viridis WAV all artist auth auto billing blues
    baseline bundled classical classifier composed cookie country dBFS data disco docs.teachers.md
    encoder Enter epoch Escape file flac folder full gtzan head hiphop htk https hub
    huggingface.co id install jazz jobs kHz label log login metal none ogg peak pip pop
    preset python quick reggae rock run runs safetensors scale scratch settings Shift slaney smoke
    songs.csv source split status.huggingface.co stratified trainer transformers tutorial wav whole
    zip AST McNemar NAME OWNER SNR harmonic percussive mean nothing README SpecAugment Whisper ZeroGPU course dropout fast
    BPM MFCC SVM genres masked pretrain small logit marsyas oauth softmax true vec AudioSet ImageNet DRM GRADIO PORT SECRET
    DEVICES SERVER SOCKS TMPDIR VISIBLE ffmpeg genre http in.wav model out.flac out.wav socks socksio test
    train Stevens dither Git LFS git lfs pull xet hf download API accelerate bucket evaluate
    get launch macro nvidia pytorch.org smi started torch Transformer album.cue album.flac
    cue shnsplit Sturm layers kbit FitzGerald Driedger Vorbis PCA SNE""".split()
)
NOT_WORDS = re.compile(r"\{[^}]*\}|`[^`]*`|\]\([^)]*\)|\*[a-z]\*")
CODE = re.compile(r"`[^`]*`")
LATIN = re.compile(r"[A-Za-z][A-Za-z.]{2,}")
HAN = "[\u4e00-\u9fff]"
HALF_WIDTH = re.compile(rf"{HAN}[,;:!?()]|[,;!?()]{HAN}")
OTHERS_WORDS = {
    "zh-TW": "采樣 視頻 網絡 軟件 默認 信息 數據 窗口 迭代 文件 質量 屏幕 硬盤 服務器".split(),
    "zh-CN": "取样 资料夹 网路 软体 预设 讯号 杂讯 视窗 叠代 萤幕 伺服器 储存 档案 程式".split(),
}


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def calls(name):
    """Every call of a function by that name in the source."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                if getattr(called, "id", getattr(called, "attr", None)) == name:
                    yield node


def first_texts(name):
    """The literal first arguments of a function's calls, both sides of an ``if``."""
    for call in calls(name):
        nodes = [*ast.walk(call.args[0])] if call.args else []
        if not any(isinstance(node, ast.JoinedStr) for node in nodes):
            constants = [node for node in nodes if isinstance(node, ast.Constant)]
            yield from (node.value for node in constants)


@pytest.mark.parametrize("language", OTHERS)
def test_locales_have_the_same_keys_and_placeholders(language):
    english, other = i18n.table("en"), i18n.table(language)
    assert set(english) == set(other)
    for key, text in english.items():
        assert placeholders(text) == placeholders(other[key]), key


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_text_is_empty_or_repeated_in_its_file(language):
    assert all(text.strip() for text in i18n.table(language).values())

    def unique(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys))
        return dict(pairs)

    text = (i18n.FOLDER / f"{language}.json").read_text("utf-8")
    json.loads(text, object_pairs_hook=unique)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_apostrophes_are_straight_as_everywhere(language):
    for key, text in i18n.table(language).items():
        assert not set("’‘`") & set(CODE.sub("", text)), key


@pytest.mark.parametrize(
    ("language", "foreign"),
    [("zh-TW", "这声图频训练选择"), ("zh-CN", "這聲圖頻訓練選擇")],
)
def test_chinese_locales_do_not_mix_their_scripts(language, foreign):
    for key, text in i18n.table(language).items():
        assert not set(text) & set(foreign), key


def written(language):
    """Key and what is written there, without placeholders, code and addresses."""
    for key, text in i18n.table(language).items():
        yield key, NOT_WORDS.sub("", text).replace("docs/", "docs.")


@pytest.mark.parametrize("language", OTHERS)
def test_chinese_texts_keep_no_word_in_english(language):
    for key, text in written(language):
        found = {word.rstrip(".") for word in LATIN.findall(text)}
        assert not found - NAMES, key


@pytest.mark.parametrize("language", OTHERS)
def test_chinese_texts_are_set_and_addressed_as_chinese(language):
    for key, text in written(language):
        assert not HALF_WIDTH.search(text.replace("分:秒", "")), key
        assert not set("你妳") & set(text), key


@pytest.mark.parametrize("language", OTHERS)
def test_chinese_texts_use_the_words_of_their_own_country(language):
    for key, text in written(language):
        assert not [word for word in OTHERS_WORDS[language] if word in text], key


def test_every_error_in_the_source_has_a_sentence():
    codes = set(first_texts("KnownError"))
    assert {"not_audio", "no_clip", "out_of_range"} <= codes  # the search works
    assert not codes - {key.removeprefix("errors.") for key in i18n.table("en")}


def test_sentences_name_only_what_their_errors_carry():
    given = {}
    for call in calls("KnownError"):
        if call.args and isinstance(call.args[0], ast.Constant):
            names = {keyword.arg for keyword in call.keywords}
            if None not in names:
                given.setdefault(call.args[0].value, []).append(names)
    for code, all_names in given.items():
        wanted = placeholders(i18n.table("en")[f"errors.{code}"])
        for names in all_names:
            assert wanted <= names, code


def test_every_text_that_a_component_asks_for_exists():
    keys = {key for key in first_texts("text") if KEY.fullmatch(str(key))}
    assert {"app.see", "see.start_s"} <= keys  # the search works
    assert not keys - set(i18n.table("en"))


def test_every_word_that_the_source_asks_for_exists():
    keys = {key for key in first_texts("word") if KEY.fullmatch(str(key))}
    assert {"classify.cancelled", "clip.cut"} <= keys
    assert not keys - set(i18n.table("en"))


def test_sentence_is_filled_with_the_error_s_details():
    error = KnownError("clip_gone", name="a.wav")
    assert "“a.wav”" in i18n.sentence(error)
    assert "「a.wav」" in i18n.sentence(error, "zh-TW")


@pytest.mark.parametrize(
    ("done", "said"), [(0, "0 songs"), (1, "1 song"), (2, "2 songs"), (21, "21 songs")]
)
def test_one_song_is_not_several(done, said):
    sentence = i18n.word("classify.many_done", done=done, about="")
    assert sentence.startswith(f"{said} classified.")


@pytest.mark.parametrize(("cents", "said"), [("+1", "+1 cent."), ("+11", "+11 cents.")])
def test_number_that_is_already_written_has_its_word(cents, said):
    tone = i18n.word("viz.about_tone", hz=440, note="A4", cents=cents)
    assert tone.endswith(said)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_words_of_one_and_of_several_are_both_there(language):
    for key, text in i18n.table(language).items():
        for _, _, form, _ in string.Formatter().parse(text):
            if form and form.startswith("|"):
                assert form.count("|") == 2 and all(form[1:].split("|")), key


def test_several_values_are_listed_as_the_language_separates_them():
    error = KnownError("not_a_choice", field="effort", value="x", choices=("a", "b"))
    assert "a, b" in i18n.sentence(error, "en")
    assert "a、b" in i18n.sentence(error, "zh-TW")


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0.1234, "0.12 s"),
        (5.333, "5.3 s"),
        (59.94, "59.9 s"),
        (62, "1:02"),
        (600, "10:00"),
    ],
)
def test_clock_writes_durations_as_people_do(duration_s, text):
    assert i18n.clock(duration_s) == text


def test_names_beside_bars_and_on_the_map_fit_there():
    assert i18n.short_name("jazz", "zh-TW") == "爵士"
    assert i18n.short_name("jazz", "en") == "Jazz"
    assert i18n.short_name("樂器（live）", "zh-TW") == "樂器（live）"
