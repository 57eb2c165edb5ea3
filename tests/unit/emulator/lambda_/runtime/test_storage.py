"""How much of /tmp a function has used."""

from emulator.lambda_.runtime.storage import BLOCK_BYTES, folder_size


def test_files_take_whole_blocks_and_links_take_nothing(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "large").write_bytes(bytes(10 * BLOCK_BYTES))
    scratch = tmp_path / "scratch"
    (scratch / "deep" / "deeper").mkdir(parents=True)
    (scratch / "link").symlink_to(elsewhere)
    (scratch / "deep" / "deeper" / "file").write_bytes(bytes(BLOCK_BYTES + 1))
    (scratch / "empty").touch()

    assert folder_size(scratch) == 2 * BLOCK_BYTES + 2 * BLOCK_BYTES


def test_a_folder_that_is_gone_takes_nothing(tmp_path):
    assert folder_size(tmp_path / "gone") == 0
