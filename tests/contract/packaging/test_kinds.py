"""What packaging makes of each kind of task, with its real child processes."""

import json
import tarfile
import textwrap
from pathlib import Path

import pytest
import torch

from model_tools.errors import ClassesMismatch, PublishError, TraceFailed
from model_tools.packaging.package import Package
from tests.support.packaging.model_folders import CLASSIFIER, LINEAR, sample, write_model
from tests.support.packaging.packing import package_model

TRANSLATOR = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, source=6, target=5, width=16):
            super().__init__()
            self.source, self.target = nn.Embedding(source, width), nn.Embedding(target, width)
            self.mix = nn.Transformer(width, 2, 1, 1, 32, batch_first=True)
            self.head = nn.Linear(width, target)

        def forward(self, source, target):
            size = target.shape[1]
            future = torch.triu(torch.full((size, size), float("-inf")), 1)
            return self.head(self.mix(self.source(source), self.target(target), tgt_mask=future))
"""
TRANSLATOR_FIELDS = {
    "name": "words",
    "task": "text-to-text",
    "inputs": [{"shape": ["batch", "source"], "dtype": "int64"}, {"shape": ["batch", "target"], "dtype": "int64"}],
    "axes": {"source": {"max": 7}, "target": {"max": 6}},
    "text": {"source_vocabulary": "source.txt", "target_vocabulary": "target.txt"},
}
VOCABULARIES = {"source.txt": "<unk>\n<pad>\none\ntwo\nthree\nfour\n", "target.txt": "<bos>\n<eos>\neins\nzwei\ndrei\n"}
WORDS = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(6, 4)

        def forward(self, words):
            return self.words(words).mean(1)
"""


def packed(tmp_path: Path, folder: Path) -> Package:
    return package_model(folder, tmp_path / "package")


def refused(kind: type[PublishError], tmp_path: Path, folder: Path) -> str:
    with pytest.raises(PublishError) as caught:
        package_model(folder, tmp_path / "package")
    assert type(caught.value) is kind
    return str(caught.value)


def member(package: Package, name: str) -> bytes:
    with tarfile.open(package.archive) as tar:
        return tar.extractfile(name).read()


def samples(package: Package) -> list[dict]:
    return [json.loads(line) for line in package.samples.read_text().splitlines()]


def translator(folder: Path, **fields) -> Path:
    files = {**VOCABULARIES, **fields.pop("files", {})}
    return write_model(folder, TRANSLATOR, base=TRANSLATOR_FIELDS, files=files, **fields)


def test_a_translator_is_proved_on_ids_of_its_vocabularies_and_brings_them_along(tmp_path):
    package = packed(tmp_path, translator(tmp_path / "model"))
    manifest = json.loads(member(package, "manifest.json"))
    assert [spec["range"] for spec in manifest["inputs"]] == [[0, 5], [0, 4]]
    assert manifest["axes"] == {
        "batch": {"min": 1, "max": 4},
        "source": {"min": 1, "max": 7},
        "target": {"min": 1, "max": 6},
    }
    assert member(package, "source_vocabulary.txt").decode() == VOCABULARIES["source.txt"]
    assert member(package, "target_vocabulary.txt").decode() == VOCABULARIES["target.txt"]
    made_up, *_ = samples(package)
    assert set(made_up["event"]["text"].split()) <= {"one", "two", "three", "four"}
    shapes = [case["shapes"] for case in json.loads(member(package, "parity.json"))["cases"]]
    assert [[4, 7], [4, 6]] in shapes


def test_a_translator_with_another_number_of_tokens_is_refused(tmp_path):
    folder = translator(
        tmp_path / "model",
        files={"target.txt": VOCABULARIES["target.txt"] + "vier\n"},
        inputs=[TRANSLATOR_FIELDS["inputs"][0], {**TRANSLATOR_FIELDS["inputs"][1], "range": [0, 4]}],
    )
    assert "has 6 tokens, the model scores 5" in refused(ClassesMismatch, tmp_path, folder)


def test_a_translator_that_answers_no_scores_of_tokens_is_refused(tmp_path):
    code = TRANSLATOR.replace("return self.head(", "return (").rstrip()
    code = code.replace("tgt_mask=future))", "tgt_mask=future)).mean(1)")
    folder = translator(tmp_path / "model")
    (folder / "net.py").write_text(textwrap.dedent(code))
    message = refused(TraceFailed, tmp_path, folder)
    assert "A text-to-text model answers one tensor [batch, target, vocabulary] of floats" in message


def test_an_embedding_of_text_has_one_vocabulary(tmp_path):
    folder = write_model(
        tmp_path / "model", WORDS, name="words", task="embedding", text={"source_vocabulary": "words.txt"},
        inputs=[{"shape": ["batch", "words"], "dtype": "int64"}], files={"words.txt": VOCABULARIES["source.txt"]},
        embedding={"normalize": False},
    )  # fmt: skip
    package = packed(tmp_path, folder)
    assert package.manifest.settings == {"normalize": False}
    assert list(samples(package)[0]["event"]) == ["text"]


def test_an_embedding_of_numbers_is_proved_on_its_samples(tmp_path):
    folder = write_model(
        tmp_path / "model", LINEAR, task="embedding", samples="samples/*.json",
        files={"samples/a.json": sample({"input": [[1, 2, 3, 4]]})},
    )  # fmt: skip
    package = packed(tmp_path, folder)
    cases = json.loads(member(package, "parity.json"))["cases"]
    assert cases[-1]["sample"] == "samples/a.json"
    assert "output" not in samples(package)[0]["expect"]


def test_an_embedding_that_is_no_vector_is_refused(tmp_path):
    folder = write_model(tmp_path / "model", LINEAR, task="embedding", inputs=[{"shape": ["batch", 3, 4]}])
    assert "answers one tensor [batch, dimensions]" in refused(TraceFailed, tmp_path, folder)


def test_a_table_of_rows_is_asked_either_way(tmp_path):
    folder = write_model(
        tmp_path / "model", LINEAR, task="tabular", samples="samples/*.json",
        files={
            "samples/a.json": sample({"input_X": [1, 2, 3, 4]}, answer={"message": "Successful prediction"}),
            "samples/b.json": sample({"input": [[1, 2, 3, 4]]}),
        },
    )  # fmt: skip
    first, second = samples(packed(tmp_path, folder))
    assert first["expect"] == {"answer": {"message": "Successful prediction"}}
    assert torch.tensor(second["expect"]["output"]).shape == (1, 2)


def test_a_table_that_is_answered_with_something_else_is_refused(tmp_path):
    code = LINEAR.replace("return self.layer(x)", "return self.layer(x).mean()")
    folder = write_model(tmp_path / "model", code, task="tabular")
    assert "A tabular model answers one tensor [batch] or [batch, outputs]" in refused(TraceFailed, tmp_path, folder)


def test_an_embedding_of_images_is_given_an_image(tmp_path):
    folder = write_model(
        tmp_path / "model", CLASSIFIER, task="embedding", inputs=[{"shape": ["batch", 1, 8, 8]}],
        preprocess={"size": [8, 8], "mode": "L"},
    )  # fmt: skip
    assert list(samples(packed(tmp_path, folder))[0]["event"]) == ["image"]


DETECTOR = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Conv2d(1, 7, 2, stride=2)

        def forward(self, images):
            found = self.layers(images).flatten(2).transpose(1, 2)
            scores, labels = found[..., 4:].softmax(-1).max(-1)
            return {"boxes": found[..., :4], "labels": labels, "scores": scores}
"""


def detector(folder: Path, code: str = DETECTOR) -> Path:
    return write_model(
        folder, code, name="finder", task="object-detection", classes="classes.txt",
        inputs=[{"shape": ["batch", 1, 8, 8]}], preprocess={"size": [8, 8], "mode": "L"},
        detection={"threshold": 0.2, "layout": "centre"}, files={"classes.txt": "a\nb\nc\n"},
    )  # fmt: skip


def test_a_detector_is_proved_in_each_of_its_outputs(tmp_path):
    package = packed(tmp_path, detector(tmp_path / "model"))

    parity = json.loads(member(package, "parity.json"))
    assert [output["name"] for output in parity["outputs"]] == ["boxes", "labels", "scores"]
    assert package.manifest.settings == {
        "threshold": 0.2, "max_boxes": 100, "overlap": 0.5, "layout": "centre", "units": "pixels",
    }  # fmt: skip
    assert package.manifest.reduced_decoding is False
    assert list(samples(package)[0]["event"]) == ["image"]


def test_a_detector_of_another_form_is_refused_with_the_form(tmp_path):
    folder = detector(tmp_path / "model", DETECTOR.replace('"scores": scores', '"confidence": scores'))

    message = refused(TraceFailed, tmp_path, folder)

    assert "A model of object detection answers a dict" in message
    assert "confidence: float32 [2, 16]" in message
