"""The folder of the reports is made sure of, and not left behind."""

import tempfile

import pytest

from calcontract.errors import UsageError
from calcontract.report.folder import require_folder


def test_a_folder_that_can_be_made_is_not_left_behind(tmp_path):
    require_folder(tmp_path / "reports" / "guide")
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_as_it_was(tmp_path):
    (tmp_path / "reports" / "empty").mkdir(parents=True)
    (tmp_path / "reports" / "verdicts.json").write_text("of the last run")
    for name in ("reports", "reports/empty", "reports/new"):
        require_folder(tmp_path / name)
    left = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert left == ["empty", "verdicts.json"]


def test_what_others_put_there_meanwhile_stays(tmp_path, monkeypatch):
    class Meanwhile(tempfile.TemporaryDirectory):
        """Another run makes the folder of its own reports beside ours."""

        def __init__(self, **more):
            super().__init__(**more)
            (tmp_path / "reports" / "another").mkdir()

    monkeypatch.setattr(tempfile, "TemporaryFile", Meanwhile)
    require_folder(tmp_path / "reports" / "mine")
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["another"]


def test_a_folder_that_cannot_be_made_is_a_wrong_use_and_leaves_nothing(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(UsageError, match="cannot be written to"):
        require_folder(tmp_path / "taken" / "reports")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
