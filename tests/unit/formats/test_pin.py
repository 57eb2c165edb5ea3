from model_tools.formats.pin import Pin, PinnedFile
from tests.support.manifests import parse_manifest

MANIFEST = parse_manifest("{name: digits, task: tensor, checkpoint: model.pt, inputs: [{shape: [1, 4]}]}")


def pin(**changed: object) -> Pin:
    file = {"path": "model.pt", "uri": "s3://b/runs/1/model.pt", "version_id": "v1", "size": 10, "etag": "e1"}
    other = PinnedFile(path="publish.yaml", uri="s3://b/runs/1/publish.yaml", version_id="v2", size=5, etag="e2")
    return Pin(kind="folder", files=[PinnedFile.model_validate(file | changed), other], manifest=MANIFEST)


def test_the_same_contents_elsewhere_are_the_same_release() -> None:
    assert pin().digest == pin(uri="s3://b/runs/2/model.pt", version_id="v9").digest
    assert pin().release_id == f"digits-{pin().digest[:12]}"


def test_other_contents_sizes_or_paths_are_another_release() -> None:
    digests = {pin().digest, pin(etag="e9").digest, pin(size=11).digest, pin(path="weights.pt").digest}

    assert len(digests) == 4


def test_the_order_of_the_files_does_not_matter() -> None:
    one = pin()

    assert one.model_copy(update={"files": one.files[::-1]}).digest == one.digest
