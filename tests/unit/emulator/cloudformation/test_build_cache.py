"""The cache of built archives."""

import os
from pathlib import Path

from emulator.cloudformation.build_cache import BuildCache, build_key
from emulator.packages.build import LocalCode


def test_the_cache_forgets_what_was_used_longest_ago(tmp_path):
    cache = BuildCache(tmp_path / "kept")
    for number in range(25):
        cache.put(f"forgotten-{number:02}", b"")
        os.utime(tmp_path / "kept" / f"forgotten-{number:02}.zip", (number, number))

    kept = sorted(path.stem for path in (tmp_path / "kept").iterdir())
    assert len(kept) == 20
    assert kept[0] == "forgotten-05"


def test_a_cache_that_cannot_be_written_to_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    cache = BuildCache(tmp_path / "file" / "cache")

    cache.put("in-this-process-only", b"archive")

    assert cache.get("in-this-process-only") == b"archive"
    assert BuildCache.of_user({"XDG_CACHE_HOME": "/nowhere"}).get("unknown") is None


def test_another_installation_is_another_build(tmp_path, monkeypatch):
    code = LocalCode("Thing", tmp_path / "code", is_layer=False, build_method=None)
    (tmp_path / "site" / "six-9.dist-info").mkdir(parents=True)
    before = build_key(code)

    monkeypatch.syspath_prepend(tmp_path / "site")

    assert build_key(code) != before


def test_the_users_cache_is_where_caches_are(tmp_path, monkeypatch):
    cache = BuildCache.of_user({"HOME": str(tmp_path)})
    cache.put("somewhere", b"")

    assert Path(tmp_path, ".cache", "aws-emulator", "builds", "somewhere.zip").exists()
