from model_tools.release.retention import PublishedVersion, versions_to_prune

OURS = [PublishedVersion(number, f"model-tools release digits-{number}") for number in range(2, 8)]
BOOTSTRAP = PublishedVersion(1, "Answers that nothing is published yet")


def test_the_newest_releases_stay_to_go_back_to_and_older_ones_go() -> None:
    assert versions_to_prune([BOOTSTRAP, *OURS], live=7, in_use={7}, released=[7, 6, 5, 4, 3, 2], keep=3) == [2, 3, 4]


def test_a_version_that_an_alias_names_stays_however_old() -> None:
    assert versions_to_prune(OURS, live=7, in_use={2, 7}, released=[7, 6], keep=1) == [3, 4, 5, 6]


def test_versions_that_were_published_but_never_released_go() -> None:
    assert versions_to_prune(OURS, live=7, in_use={7}, released=[7, 5, 3], keep=3) == [2, 4, 6]


def test_what_the_workflow_did_not_publish_stays() -> None:
    assert versions_to_prune([BOOTSTRAP], live=7, in_use=set(), released=[], keep=1) == []


def test_versions_newer_than_the_one_that_was_released_belong_to_a_later_publication() -> None:
    assert versions_to_prune(OURS, live=5, in_use={5}, released=[5], keep=1) == [2, 3, 4]
