"""Random models of a small grammar are refused, or answer as the eager model whatever they are asked."""

import pytest

from tests.support.packaging.random_models import random_model, try_model

SEEDS = range(16)
"""Some of the seeds that were tried; `python -m tests.support.packaging.random_models` tries more."""


@pytest.mark.parametrize("seed", [pytest.param(seed, id=f"seed {seed}") for seed in SEEDS])
def test_what_is_published_answers_as_the_eager_model_and_what_is_sound_is_published(seed, tmp_path):
    tried = try_model(seed, tmp_path)
    assert tried.other == "", tried.model.source
    assert not (tried.refused and tried.model.sound), f"{tried.refused}\n{tried.model.source}"


def test_a_seed_is_always_the_same_model_and_seeds_are_of_both_sorts():
    models = [random_model(seed) for seed in SEEDS]
    assert models == [random_model(seed) for seed in SEEDS]
    assert {model.sound for model in models} == {True, False}
