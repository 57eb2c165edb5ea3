"""Which lane and place a model fits, and what is said of one that fits none."""

import json

import pytest

from model_tools.errors import ModelTooLarge
from model_tools.formats.release_file import ArchiveReference, ReleaseFile
from model_tools.formats.runtime_reference import Part, RuntimeReference
from model_tools.formats.sizes import MIB
from model_tools.release.lanes import ModelSizes, fit, refuse_early, with_release
from model_tools.tasks.registry import spec_of


def runtime(serving: int, *, whole: int | None = None) -> RuntimeReference:
    return RuntimeReference(
        name="torch", uri="s3://artifacts/runtimes/x.tar.zst", sha256="a" * 64, size=2, unpacked_size=whole or serving,
        serving=Part(sha256="b" * 64, size=1, unpacked_size=serving), python="3.13", platform="x86_64",
        packages={"torch": "2.13.0"},
    )  # fmt: skip


def test_a_bundle_and_a_model_that_fit_together_are_unpacked_to_tmp() -> None:
    found = fit(ModelSizes(120 * MIB), runtime(380 * MIB))

    assert (found.placement, found.tmp_used, found.least_memory) == ("tmp", 500 * MIB, 120 * MIB)


def test_a_bundle_goes_to_memory_where_the_model_leaves_no_room_for_it() -> None:
    found = fit(ModelSizes(133 * MIB), runtime(380 * MIB))

    assert (found.placement, found.tmp_used, found.least_memory) == ("memory", 133 * MIB, 513 * MIB)
    assert "380.0 MB" in found.reason
    assert "133.0 MB" in found.reason


def test_only_a_model_with_code_of_its_own_needs_the_whole_bundle() -> None:
    bundle = runtime(380 * MIB, whole=520 * MIB)

    assert fit(ModelSizes(MIB), bundle, part=spec_of("tensor").bundle_part).placement == "tmp"
    assert fit(ModelSizes(MIB), bundle, part=spec_of("custom").bundle_part).placement == "memory"


def test_memory_that_is_wanted_is_taken_even_where_tmp_has_room() -> None:
    assert fit(ModelSizes(MIB), runtime(MIB), wish="memory").placement == "memory"


def test_tmp_that_is_wanted_and_too_small_is_refused_with_both_sizes() -> None:
    with pytest.raises(ModelTooLarge, match=r"380\.0 MB and the model 200\.0 MB.*512\.0 MB.*RuntimePlacement"):
        fit(ModelSizes(200 * MIB), runtime(380 * MIB), wish="tmp")


def test_a_model_larger_than_tmp_is_sent_to_the_image_lane_with_its_sizes() -> None:
    with pytest.raises(
        ModelTooLarge, match=r"600\.0 MB unpacked.*512\.0 MB.*bundle lane.*optimize\.quantize.*container"
    ):
        fit(ModelSizes(600 * MIB), runtime(380 * MIB))


def test_the_image_lane_takes_what_its_tmp_takes() -> None:
    assert fit(ModelSizes(600 * MIB), None, lane="image", tmp=1024 * MIB).placement is None
    with pytest.raises(ModelTooLarge, match=r"ImageTmpSize=608"):
        fit(ModelSizes(600 * MIB), None, lane="image")


def test_a_model_for_no_function_is_told_so_in_both_lanes() -> None:
    with pytest.raises(ModelTooLarge, match=r"10,240\.0 MB are the most"):
        fit(ModelSizes(11_000 * MIB), None, lane="image", tmp=10_240 * MIB)
    with pytest.raises(ModelTooLarge, match=r"10,240\.0 MB are the most"):
        fit(ModelSizes(11_000 * MIB), runtime(MIB))


def test_a_function_with_too_little_memory_is_told_what_is_surely_needed() -> None:
    with pytest.raises(
        ModelTooLarge, match=r"600\.0 MB of memory.*700\.0 MB.*400\.0 MB.*300\.0 MB.*InferenceMemorySize"
    ):
        fit(ModelSizes(400 * MIB), runtime(300 * MIB), memory=600 * MIB)


def test_without_a_known_bundle_no_place_is_made_up() -> None:
    found = fit(ModelSizes(MIB), None)

    assert found.placement is None
    assert "not known" in found.reason


@pytest.mark.parametrize(
    ("quantize", "checkpoint"), [("none", 600 * MIB), ("bfloat16", 1200 * MIB), ("dynamic-int8", 2600 * MIB)]
)
def test_a_checkpoint_whose_model_can_fit_no_function_is_refused_before_it_is_sent(
    quantize: str, checkpoint: int
) -> None:
    with pytest.raises(ModelTooLarge, match=r"^The checkpoint has .* MB, so the model takes"):
        refuse_early(checkpoint, quantize)
    refuse_early(checkpoint // 2, quantize)


def release(name: str = "digits") -> ReleaseFile:
    digest = "b" * 64
    archive = ArchiveReference(uri=f"s3://a/models/{name}/{digest}/model.tar.gz", sha256=digest, size=1, unpacked=1)
    return ReleaseFile(release_id="digits-1", execution="run-1", archive=archive, runtime=runtime(MIB))


def test_a_release_joins_the_variables_that_are_there_without_its_runtime() -> None:
    environment = with_release({"ALLOWED": "a", "RELEASE": "old"}, release(), name="RELEASE")

    assert environment["ALLOWED"] == "a"
    assert "runtime" not in json.loads(environment["RELEASE"])
    assert ReleaseFile.model_validate_json(environment["RELEASE"]) == release().model_copy(update={"runtime": None})


def test_an_environment_that_lambda_would_refuse_is_refused_with_its_parts() -> None:
    taken = len(with_release({}, release(), name="RELEASE")["RELEASE"]) + len("RELEASE")

    assert with_release({"A": "x" * (4_096 - taken - 1)}, release(), name="RELEASE")
    with pytest.raises(ModelTooLarge, match=r"4,097 bytes.*4,096.*AllowedFetchHosts"):
        with_release({"A": "x" * (4_096 - taken)}, release(), name="RELEASE")
