"""The wheel holds the house, and works in an empty folder with nothing of the checkout at hand."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from calcontract import resources

ROOT = Path(__file__).parent.parent
CODE = ("calcontract", "mock_calcom", "reference_impl")

#: Rooms that lie inside the package in a wheel.
MOVED = resources.ROOMS


def files_of(room):
    return {
        path.relative_to(ROOT)
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def run(*words, **options):
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation: nothing is fetched, and what builds is what `dev` names.
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation"),
        *("--outdir", folder, ROOT),
    )
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The commands of an environment with the wheel, its dependencies, and no checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True, with_pip=False)
    scripts = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=scripts))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The dependencies are borrowed by links, one by one: a line in a .pth file would bring the
    # editable installation, and with it the checkout, along.
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        ours = path.name.startswith("calcontract") or path.suffix == ".pth"
        if not ours and not path.name.startswith("_calcontract") and path.name != "__pycache__":
            (site / path.name).symlink_to(path)
    return folder / "bin"


@pytest.fixture
def elsewhere(tmp_path):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CALCONTRACT_", "PYTHON", "VIRTUAL_ENV"))
    }
    return {"cwd": tmp_path, "env": kept}


def command(installed, name, *words):
    """What the script called *name* does, by its entry point."""
    (entry,) = [
        found
        for found in metadata.entry_points(group="console_scripts")
        if found.name == name and found.dist and found.dist.name == "calcontract"
    ]
    code = f"import sys; from {entry.module} import {entry.attr}; sys.argv[0] = {name!r}; "
    return [installed / "python", "-c", f"{code}sys.exit({entry.attr}())", *words]


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_every_room_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {Path(name) for name in archive.namelist() if ".dist-info/" not in name}
    expected = {path for room in CODE for path in files_of(room)}
    expected |= {Path("calcontract") / path for room in MOVED for path in files_of(room)}
    assert held == expected


@pytest.mark.slow
def test_the_wheel_opens_its_doors(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        text = archive.read(name).decode()
    for line in (
        "calcontract = calcontract.__main__:main",
        "mock-calcom = mock_calcom.__main__:main",
        "reference-receiver = reference_impl.__main__:main",
        # pluggy refuses a plugin that is known under two names.
        "calcontract.plugin = calcontract.plugin",
    ):
        assert line in text


@pytest.mark.slow
def test_an_installation_is_the_wheel_and_not_the_checkout(installed, elsewhere):
    code = (
        "import calcontract, mock_calcom, reference_impl as r; print(calcontract, mock_calcom, r)"
    )
    assert str(ROOT) not in run(installed / "python", "-c", code, **elsewhere)


@pytest.mark.slow
def test_an_installation_lists_the_contract(installed, elsewhere):
    listed = run(*command(installed, "calcontract", "clauses"), **elsewhere)
    here = run(sys.executable, "-m", "calcontract", "clauses", cwd=ROOT)
    assert listed == here


@pytest.mark.slow
def test_an_installation_checks_the_reference_receiver(installed, elsewhere, tmp_path):
    said = run(
        *command(installed, "calcontract", "check", "-m", "sig-001 or eff-001 or rty-003"),
        **elsewhere,
    )
    only = "only -m 'sig-001 or eff-001 or rty-003'"
    assert f"verdict  conforms, profile guide, {only}: 3 of 3 MUST verified" in said
    # A run leaves nothing behind where it was started.
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_installation_plays_cal_com(installed, elsewhere):
    said = run(*command(installed, "mock-calcom", "triggers"), **elsewhere)
    assert "BOOKING_CREATED" in said
    assert "MEETING_ENDED" in said


@pytest.mark.slow
def test_an_installation_offers_its_options_to_pytest(installed, elsewhere):
    said = run(installed / "python", "-m", "pytest", "--help", **elsewhere)
    assert "--contract-profile" in said


def test_an_editable_installation_sees_the_rooms_of_the_checkout():
    for room in ("features", "schemas"):
        assert resources.room(room) == ROOT / room


@pytest.mark.parametrize("name", ["tests", "nowhere", ""])
def test_no_other_folder_is_a_room(name):
    with pytest.raises(resources.RoomMissingError, match="rooms: features, schemas, load"):
        resources.room(name)


def test_a_schema_that_is_not_there_is_said_so():
    with pytest.raises(resources.RoomMissingError, match="no schema 'nothing'"):
        resources.schema("nothing")
