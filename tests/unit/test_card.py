import itertools
import json

import pytest

from errors import KnownError
from support.finished_runs import finished_run
from support.hub_server import front_matter
from support.marked import keep_scores
from trainer.config import RunConfig
from trainer.publish import card
from trainer.run import runs


def card_of(tmp_path, **changes):
    return card.text(finished_run(tmp_path, tmp_path, **changes), "visitor/genres")


def test_front_matter_is_what_the_hub_reads(tmp_path):
    values = front_matter(card_of(tmp_path, data="gtzan"))
    assert values["license"] == "apache-2.0"
    assert values["base_model"] == "ntu-spml/distilhubert"
    assert values["datasets"] == ["marsyas/gtzan"]
    assert values["pipeline_tag"] == "audio-classification"
    assert values["library_name"] == "transformers"
    assert card.MARK in values["tags"]
    (model,) = values["model-index"]
    assert model["name"] == "genres"
    (metric,) = model["results"][0]["metrics"]
    assert (metric["type"], metric["value"]) == ("accuracy", pytest.approx(23 / 30))


def test_card_of_another_base_names_no_model_of_the_hub(tmp_path):
    values = front_matter(card_of(tmp_path, base_model="small"))
    assert "base_model" not in values
    assert "datasets" not in values


def test_card_of_a_mel_model_is_no_hubert_s_and_has_its_licence(tmp_path):
    base_model = "MIT/ast-finetuned-audioset-10-10-0.4593"
    text = card_of(tmp_path, base_model=base_model)
    values = front_matter(text)
    assert (values["license"], values["base_model"]) == ("bsd-3-clause", base_model)
    assert "hubert" not in values["tags"]
    assert "A HuBERT" not in text


def test_card_of_wav2vec2_is_no_hubert_s(tmp_path):
    text = card_of(tmp_path, base_model="facebook/wav2vec2-base")
    assert "hubert" not in front_matter(text)["tags"]
    assert "A HuBERT" not in text
    assert "A HuBERT" in card_of(tmp_path, base_model="facebook/hubert-base-ls960")


def test_card_of_a_run_that_began_with_another_run_tells_what_that_began_with(tmp_path):
    ast = "MIT/ast-finetuned-audioset-10-10-0.4593"
    first = finished_run(tmp_path, tmp_path, base_model=ast)
    text = card_of(tmp_path, base_model=f"run:{first.id}")
    values = front_matter(text)
    assert (values["license"], values["base_model"]) == ("bsd-3-clause", ast)
    assert "It continues an earlier run" in text
    assert "random weights" not in text
    gone = card_of(tmp_path, base_model="run:20260131-120000-1a2b")
    assert "random weights" not in gone
    assert "license" not in front_matter(gone)
    scratch = card_of(tmp_path, base_model="small")
    assert "random weights" in scratch
    assert "earlier run" not in scratch


def test_card_claims_no_licence_for_what_it_does_not_know(tmp_path):
    text = card_of(tmp_path, base_model="someone/model@main")
    assert front_matter(text)["base_model"] == "someone/model"
    assert "license" not in front_matter(text)
    assert "The weights: see the base model's." in text


def test_card_tells_data_split_and_scores_with_their_interval(tmp_path):
    text = card_of(tmp_path)
    assert "**76.7 %** of 30 validation songs" in text
    assert "59.1 to 88.2 %" in text  # Wilson's interval of 23 of 30
    assert "120 training songs and 30 songs for both validation and test" in text
    assert "It was trained on composed songs only" in text
    assert "| jazz | 10 | 0.90 | 0.75 | 0.82 |" in text  # 9 of 10, 9 of 12, 18 of 22
    assert "| blues | 8 | 1 | 1 |" in text
    assert "| `learning_rate` | 5e-05 |" in text
    assert "{{" not in text and "{%" not in text


@pytest.mark.parametrize("data", ["gtzan", "composed", "folder:/home/me/songs"])
def test_tables_are_whole(tmp_path, data):
    lines = card_of(tmp_path, data=data).splitlines()
    for above, line in itertools.pairwise(lines):
        if above.startswith("|") and line.startswith("|"):
            assert above.count("|") == line.count("|")
    heads = [n for n, line in enumerate(lines) if line.startswith("|---")]
    assert len(heads) == 3
    assert all(lines[n - 2] == "" and lines[n + 1].startswith("|") for n in heads)


@pytest.mark.parametrize("kind", ["folder:", "zip:"])
def test_card_names_no_song_and_no_folder(tmp_path, kind):
    text = card_of(tmp_path, data=f"{kind}/home/somebody/secret songs")
    assert "somebody" not in text
    assert "secret" not in text


def test_card_names_the_set_of_the_hub_that_the_songs_came_from(tmp_path):
    text = card_of(tmp_path, data="hub:someone/sounds")
    assert "https://huggingface.co/datasets/someone/sounds" in text
    assert front_matter(text)["datasets"] == ["someone/sounds"]


def test_genre_named_by_a_folder_cannot_break_the_card(tmp_path):
    text = card_of(tmp_path, genres=["a|b", "<b>", "---"])
    assert "| a\\|b | 10 |" in text
    assert "<b>" not in text
    assert front_matter(text)["pipeline_tag"]


def test_run_without_scores_has_no_card(tmp_path):
    run = runs.create(tmp_path, RunConfig())
    with pytest.raises(KnownError, match="push_not_finished"):
        card.text(run, "visitor/genres")


def test_run_that_kept_its_confusion_alone_has_scores(tmp_path):
    scores = card.scores_of(finished_run(tmp_path, tmp_path))
    assert (scores.n_right, scores.n_songs) == (23, 30)
    assert scores.interval[0] < scores.accuracy < scores.interval[1]
    assert scores.genres[2].recall == 0.6
    assert scores.window_accuracy is None


@pytest.mark.parametrize(("is_final", "part"), [(True, "test"), (False, "validation")])
def test_card_names_the_songs_that_its_scores_are_of(tmp_path, is_final, part):
    run = finished_run(tmp_path, tmp_path)
    kept = keep_scores(run.folder, 2.0, is_final=is_final)
    text = card.text(run, "visitor/genres")
    assert f"**75.0 %** of 4 {part} songs" in text
    (model,) = front_matter(text)["model-index"]
    assert model["results"][0]["dataset"]["split"] == part
    assert f"| genre | {part} songs |" in text
    assert "Averaged per song" in text
    assert card.scores_of(run) == kept


def test_card_names_the_device_and_its_precision_where_they_are_known(tmp_path):
    run = finished_run(tmp_path, tmp_path)
    assert "windows on each device." in card.text(run, "visitor/genres")
    path = run.model_dir / "config.json"
    config = runs.read_json(path) or {}
    config["genrescope"] = {"device": "Tesla T4", "precision": "fp16"}
    run.model_dir.mkdir(exist_ok=True)
    runs.write_whole(path, json.dumps(config))
    text = card.text(run, "visitor/genres")
    assert "windows on each device (Tesla T4, fp16)." in text


def test_card_of_the_fault_filtered_list_does_not_quote_the_ceiling_of_the_faulty_set(
    tmp_path,
):
    assert "94.5" in card_of(tmp_path, data="gtzan", split="random")
    listed = card_of(tmp_path, data="gtzan", split="listed")
    assert "94.5" not in listed
    assert "it corrects no label" in listed


def test_card_says_that_temperature_and_mean_are_of_windows(tmp_path):
    run = finished_run(tmp_path, tmp_path)
    keep_scores(run.folder, 2.0, is_final=True)
    text = card.text(run, "visitor/genres")
    assert "fitted to songs cut into windows" in text
    assert "averages the windows' probabilities; the pipeline does neither" in text
