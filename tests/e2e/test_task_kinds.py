"""Every example folder, published as it is and asked in each way there is: the promise of each kind of task."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.server import Emulator
from tests.support.e2e import trained
from tests.support.e2e.clients import Live, near, served
from tests.support.e2e.trained import EXAMPLES, sample_event
from tests.support.integration.stack import Stack

INSTALLED = ("torch", "numpy", "pillow", "safetensors", "xgboost-cpu")
AT_ONCE = {"strategy": "all-at-once"}


@pytest.fixture(scope="module")
def images() -> Iterator[str]:
    with served(EXAMPLES) as host:
        yield host


@pytest.fixture(scope="module")
def stack(images: str) -> Iterator[Stack]:
    with Emulator(time_scale=60, preinstalled=INSTALLED) as emulator:
        template = EXAMPLES.parent / "template.yaml"
        yield Stack(emulator, emulator.deploy(template, parameters={"AllowedFetchHosts": images}))


@pytest.fixture
def publish(stack: Stack) -> Any:
    def go_live(kind: str) -> Live:
        ended = stack.publish(EXAMPLES / kind, rollout=AT_ONCE)
        assert ended.status == "SUCCEEDED", ended.cause
        assert stack.alias() == (ended.output["version"], {})
        return Live(stack)

    return go_live


def test_digits_classifies_images(publish: Any) -> None:
    live = publish("digits")
    event = sample_event("digits", "four")

    ranked = live.ask({**event, "top_k": 2})

    expected = trained.class_probabilities("digits", base64.b64decode(event["image"]))
    assert ranked["class"] == max(expected, key=expected.__getitem__) == "four"
    assert [entry["confidence"] for entry in ranked["top_k"]] == pytest.approx(
        sorted(expected.values(), reverse=True)[:2], abs=1e-4
    )
    answers_a_batch_with_a_bad_item(live, event, {"image": base64.b64encode(b"GIF, honestly").decode()})
    answers_as_its_readme_says(live, "digits")


def test_shapes_classifies_photographs_by_their_url(publish: Any, images: str) -> None:
    live = publish("shapes")
    event = {"input_url": f"http://{images}/shapes/cross.jpg", "n_predictions": 3}

    predictions = live.ask(event)["predictions"]

    expected = trained.class_probabilities("shapes", (EXAMPLES / "shapes" / "cross.jpg").read_bytes())
    likeliest = sorted(expected, key=expected.__getitem__, reverse=True)[:3]
    assert [name for name, _ in predictions] == likeliest
    assert [percent for _, percent in predictions] == pytest.approx([100 * expected[name] for name in likeliest], abs=2)
    answers_a_batch_with_a_bad_item(live, event, {"input_url": "http://169.254.169.254/latest/meta-data/"})
    answers_as_its_readme_says(
        live, "shapes", here=lambda curl: curl.replace("https://images.example.com", f"http://{images}/shapes")
    )


def test_scenes_finds_objects_in_the_pixels_of_a_photograph(publish: Any, images: str) -> None:
    live = publish("scenes")
    event = {"url": f"http://{images}/scenes/scene.jpg"}

    answer, few = live.ask(event), live.ask({**event, "max_boxes": 1})

    found = trained.scene((EXAMPLES / "scenes" / "scene.jpg").read_bytes(), threshold=0.4, overlap=0.4)
    assert answer["classes"] == [name for name, _, _ in found]
    assert near(answer["boxes"], [box for _, box, _ in found], 2)
    assert near(answer["scores"], [score for _, _, score in found], 0.01)
    assert (few["boxes"], few["classes"]) == (answer["boxes"][:1], answer["classes"][:1])
    answers_a_batch_with_a_bad_item(live, event, {"url": f"http://{images}/scenes/scene.jpg", "threshold": 2})
    answers_as_its_readme_says(
        live, "scenes", here=lambda curl: curl.replace("https://images.example.com", f"http://{images}/scenes")
    )


def test_vibration_answers_numbers_for_recordings_of_any_length(publish: Any) -> None:
    live = publish("vibration")
    event = sample_event("vibration", "slow")
    shorter = {"input": [[event["input"][0][0][:64]], [event["input"][0][0][100:164]]]}

    answer, two = live.ask(event), live.ask_directly(shorter)

    assert near(answer["output"], trained.vibration(event["input"]), 1e-4)
    assert near(two["output"], trained.vibration(shorter["input"]), 1e-4)
    assert answer["library"].startswith("torch 2")
    assert answer["device"] == "cpu"
    assert live.post({"input": [[[0.0] * 32]]})[0] == 400, "publish.yaml begins with 64 readings"
    answers_a_batch_with_a_bad_item(live, event, {"input": [["loud"]]})
    answers_as_its_readme_says(live, "vibration")


def test_wine_is_known_by_boosted_trees(publish: Any) -> None:
    live = publish("wine")
    event = sample_event("wine", "barbera")

    answer = live.ask(event)
    probabilities = live.ask_directly({"input": [event["input_X"]]})["output"]

    expected = trained.wine_probabilities(event["input_X"])
    assert answer["message"] == "Successful prediction"
    assert answer["class"] == max(expected, key=expected.__getitem__) == "barbera"
    assert near(probabilities, [list(expected.values())])
    assert answer["library"].startswith("xgboost 3")
    answers_a_batch_with_a_bad_item(live, event, {"input_X": event["input_X"][:12]})
    answers_as_its_readme_says(live, "wine")


def test_numbers_are_translated_and_long_answers_are_left_in_s3(publish: Any, stack: Stack) -> None:
    live = publish("numbers")
    event = {"text": "siebenhundertdreizehntausendfünf"}

    answer = live.ask(event)
    with_beams = live.ask_directly({**event, "beams": 3})

    assert answer["text"] == trained.translation(event["text"])
    assert answer["text"] == "seven hundred thirteen thousand five"
    assert with_beams["text"] == answer["text"]
    assert 0.5 < answer["score"] <= with_beams["score"] + 1e-6
    answers_a_batch_with_a_bad_item(live, {"text": "eintausenddrei"}, {"text": 7})
    answers_as_its_readme_says(live, "numbers")

    words = trained.import_module("numbers", "number_words")
    some = [37 * number for number in range(1, 31)]
    result = live.ask_directly({"texts": [words.in_german(number) for number in some]})["result"]

    assert result["bucket"] == stack.outputs["ResultsBucketName"]
    assert result["key"].startswith("translations/")
    assert result["uri"] == f"s3://{result['bucket']}/{result['key']}"
    kept = stack.s3.get_object(Bucket=result["bucket"], Key=result["key"])["Body"].read()
    assert len(kept) == result["bytes"] > 1000
    assert json.loads(kept)["texts"] == [words.in_english(number) for number in some]


def test_dates_lie_near_one_another_however_they_are_written(publish: Any) -> None:
    live = publish("dates")
    event = {"text": "14. März 2021"}

    answer = live.ask(event)
    stored = live.ask_directly({"texts": ["March 15, 2021", "2021-03-14", "14 Mar 2012"]})["embeddings"]

    assert near(answer["embedding"], trained.date_embedding(event["text"]), 1e-4)
    likeness = [sum(map(float.__mul__, answer["embedding"], vector)) for vector in stored]
    assert likeness.index(max(likeness)) == 1
    answers_a_batch_with_a_bad_item(live, event, {"text": ""})
    answers_as_its_readme_says(live, "dates")


def test_domains_are_judged_by_the_models_own_code(publish: Any) -> None:
    live = publish("domains")
    event = {"domain": "www.xn--mnchenhotel-thb.co.uk"}

    answer = live.ask(event)
    suspicious = live.ask_directly({"domain": "a3f09c7be41d52.info"})

    assert answer["domain"] == "www.münchenhotel.co.uk"
    assert answer["generated"] is False
    assert answer["probability"] == pytest.approx(trained.generated_probability("münchenhotel"), abs=0.05)
    assert suspicious["generated"] is True
    answers_a_batch_with_a_bad_item(live, event, {"domain": "xn--.com"})
    answers_as_its_readme_says(live, "domains")


def answers_a_batch_with_a_bad_item(live: Live, good: dict[str, Any], bad: dict[str, Any]) -> None:
    """Each item of a batch has its own answer, or its own error, in order."""
    alone = {name: value for name, value in live.ask_directly(good).items() if name != "version"}

    status, batch = live.post({"requests": [good, bad, good]})

    answers = batch["answers"]
    assert (status, len(answers)) == (200, 3)
    assert near([answers[0], answers[2]], [alone, alone], 1e-3)
    assert answers[1]["error"] == "BadRequest"
    assert answers[1]["message"]
    status, refused = live.post(bad)
    assert (status, refused["message"]) == (400, answers[1]["message"])


def answers_as_its_readme_says(live: Live, kind: str, here: Any = str) -> None:
    """The README's curl is run, and its answer compared; `here` puts an image's URL on this machine."""
    readme = (EXAMPLES / kind / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^curl .*$", readme, re.MULTILINE)
    (shown,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    wanted = json.loads(shown)

    answer = live.run_curl(shlex.split(here(command)))

    del answer["version"], wanted["version"]
    assert near(answer, wanted, 0.02), kind
