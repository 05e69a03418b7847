"""What lessons say, in their texts and below their pictures."""

import dataclasses

import numpy as np
import pytest

import i18n
from audio.hubert.preprocessing import model_input
from audio.transforms import inversion
from audio.transforms.griffin_lim import Search
from support.signals import silence, tone
from viz import closeup, rebuilding


def test_search_for_phases_says_how_near_it_came():
    clip = tone(duration_s=0.5)
    found = inversion.griffin_lim(clip, Search(n_iterations=8))
    said = rebuilding.describe(inversion.inverse_stft(clip), found, "en")
    end_db = found.convergence_db[-1]
    assert f"after 8 iterations: level error {end_db:.1f} dB" in said
    assert "mel" not in said
    banded = inversion.from_mel(clip, search=Search(n_iterations=0))
    assert "mel bands" in rebuilding.describe(
        inversion.inverse_stft(clip), banded, "en"
    )


def test_search_for_phases_is_a_curve_of_its_errors():
    found = inversion.griffin_lim(tone(duration_s=0.5), Search(n_iterations=8))
    curve, mark = rebuilding.convergence(found, "en").layers
    assert curve.ys == pytest.approx(found.convergence_db, abs=0.01)
    assert mark.words == [f"{found.convergence_db[-1]:.1f} dB".replace("-", "−")]


def test_sound_that_is_played_lower_than_it_was_rebuilt_is_told_so():
    clip = tone(amplitude=1.0, duration_s=0.5)
    louder = inversion.RoundTrip(clip, -100.0, is_cola=True, lowered_db=1.3)
    square = dataclasses.replace(clip, samples=np.sign(clip.samples))
    found = inversion.griffin_lim(square, Search(n_iterations=4))
    height = 10 ** (found.lowered_db / 20)
    assert height > 1.05
    assert np.abs(found.clip.samples).max() == pytest.approx(1.0)
    said = rebuilding.describe(louder, found, "en")
    assert "With phase, it exceeds full scale and is played 1.3 dB lower" in said
    assert (
        f"Without phase, it exceeds full scale and is played {found.lowered_db:.1f}"
        in (said)
    )
    quiet = inversion.griffin_lim(tone(duration_s=0.5), Search(n_iterations=4))
    exact = inversion.inverse_stft(tone(duration_s=0.5))
    assert "full scale" not in rebuilding.describe(exact, quiet, "en")


def test_silence_has_nothing_to_rebuild():
    found = inversion.griffin_lim(silence(0.2), Search(n_iterations=0))
    exact = inversion.inverse_stft(silence(0.2))
    assert "nothing to rebuild" in rebuilding.describe(exact, found, "en")


def test_model_s_input_says_what_is_not_heard():
    clip = tone(1000.0, duration_s=1.0)
    heard = model_input(clip)
    noisy = dataclasses.replace(heard, lost_db=-30.0)
    said = closeup.describe_model_input(noisy, clip, "HuBERT", "en")
    assert "16,000 values" in said
    assert "49 frames" in said
    assert "8,000 and 11,025 Hz" in said
    assert "-30.0 dB" in said
    mild = dataclasses.replace(heard, lost_db=None)
    assert "Nothing is lost" in closeup.describe_model_input(mild, clip, "HuBERT", "en")


# What is easily taught wrong: each text says it so, in English and both Chineses.
TAUGHT = [
    (
        "see.waveform_text",
        "microphone and a converter",
        "麥克風和轉換器",
        "麦克风和转换器",
    ),
    ("see.decibels_text", "nearly all sounds", "聲音幾乎都", "声音几乎都"),
    ("see.rate_text", "the smallest of |f", "之中最小的", "之中最小的"),
    ("see.bits_text", "From 8 bits up", "從 8 位元起", "从 8 位起"),
    ("see.bits_text", "dither", "抖動（dither）", "抖动（dither）"),
    ("see.dft_text", "largest number that divides", "能整除所有峰的", "能整除所有峰的"),
    ("see.dft_text", "is nearly missing", "幾乎沒有偶數倍", "几乎没有偶数倍"),
    ("see.dft_text", "bells and drums have no", "鐘和鼓則沒有", "钟和鼓则没有"),
    ("see.timbre_text", "a cylinder closed", "一端封閉的圓柱", "一端封闭的圆柱"),
    ("see.timbre_text", "its attack", "起音裡", "起音里"),
    ("see.stiffness", "Stiffness", "勁度", "劲度"),
    ("see.stft_text", "do not show when", "看不出聲音何時", "看不出声音何时"),
    ("see.stft_text", "falls by 3 dB", "低 3 dB", "低 3 dB"),
    ("see.mel_text", "In hertz, ears", "以赫茲來看", "以赫兹来看"),
    ("see.mel_text", "power", "功率", "功率"),
    ("see.mel_text", "octave of low notes", "低音的一個八度", "低音的一个八度"),
    ("see.pitch_text", "equal temperament", "十二平均律", "十二平均律"),
    (
        "see.hearing_text",
        "before the first layer or in it",
        "第一層之前或在",
        "第一层之前或在",
    ),
    ("see.hearing_text", "begins at 7,500 Hz", "從 7,500 Hz 起", "从 7,500 Hz 起"),
    ("see.masking_text", "More than half", "超過一半", "超过一半"),
    ("see.masking_text", "one time in three", "三次只對一次", "三次只对一次"),
    ("see.masking_text", "inner layers compute", "內部各層的輸出", "内部各层的输出"),
    (
        "see.masking_text",
        "was not pretrained this",
        "沒有這樣預訓練過",
        "没有这样预训练过",
    ),
    ("see.two_text", "at one pitch and level", "音高和音量相同時", "音高和音量相同时"),
    ("see.peak_harmonic", "Harmonic", "諧波次數", "谐波次数"),
    ("viz.windows_ripple", "level", "位準", "电平"),
    ("viz.hop", "hop", "跳距", "帧移"),
    ("viz.about_snr", "from 8 bits up", "8 位元以上", "8 位以上"),
    ("teach.plan", "no better than its labels", "不會比標籤更可靠", "不会比标签更可靠"),
    ("teach.plan", "A score is", "分數", "分数"),
    ("teach.harmonic_title", "harmonic", "諧波", "谐波"),
    ("teach.windows_question", "4,096 samples", "4096 個取樣點", "4096 个采样点"),
    ("teach.bit_aha", "98 dB", "98 dB", "98 dB"),
    ("teach.mel_aha", "100 Hz more", "多 100 Hz", "多 100 Hz"),
    ("teach.frames_aha", "a new frame every 320", "每 320 個", "每 320 个"),
    ("teach.timbre_aha", "cylindrical", "圓柱形", "圆柱形"),
    ("teach.loss_aha", "A new head", "全新分類頭", "全新分类头"),
    ("teach.masked_aha", "57%", "57%", "57%"),
    ("data.listen", "A score is only", "分數不會比標籤", "分数不会比标签"),
    ("data.means_group", "their artist can still", "同一位演出者仍", "同一位艺术家仍"),
    ("trained_on.gtzan", "part of GTZAN", "的一部分", "的一部分"),
    ("train.compare_info", "partly luck", "多少靠運氣", "多少靠运气"),
    ("scores.duel_clear", "one in twenty", "每二十對", "每二十对"),
]
NOT_TAUGHT = {
    "en": (
        *("no time information", "ears tell", "recipe of the harmonics"),
        *("hardly ever in music", "loudness ripples", "never heard"),
    ),
    "zh-TW": ("泛音", "倍頻", "硬度", "響度會", "遠勝過高音"),
    "zh-CN": ("泛音", "倍频", "硬度", "响度会", "远胜过高音"),
}


@pytest.mark.parametrize(("key", "english", "taiwanese", "mainland"), TAUGHT)
def test_lessons_say_what_is_right_in_every_language(key, english, taiwanese, mainland):
    assert english in i18n.table("en")[key]
    assert taiwanese in i18n.table("zh-TW")[key]
    assert mainland in i18n.table("zh-CN")[key]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_lessons_do_not_say_what_is_wrong(language):
    for key, text in i18n.table(language).items():
        if key.split(".")[0] in ("see", "viz", "teach", "data", "scores"):
            assert not [wrong for wrong in NOT_TAUGHT[language] if wrong in text], key
