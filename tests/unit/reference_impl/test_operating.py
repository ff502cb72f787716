"""What `docs/operating.md` says is what is there."""

import ast
import asyncio
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from bench import sizing
from reference_impl import counts
from reference_impl.commands import application
from reference_impl.metrics import Metrics
from reference_impl.settings import Settings
from reference_impl.store.postgresql import PostgresqlStore
from reference_impl.store.sqlite import SqliteStore
from tests.unit.reference_impl.bodies import a_body, signed

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
UNIT = (ROOT / "docs" / "reference-receiver.service").read_text(encoding="utf-8")


def rows(heading):
    """The cells of the table whose first column is *heading*, without its head."""
    lines = GUIDE.split(f"| {heading} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture
def registered(machine):
    """The names of all metrics, as Prometheus knows them."""
    metrics = Metrics(machine.store, machine.clock)
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }


def test_the_table_of_settings_holds_every_setting_and_no_other():
    variables = {field.metadata["variable"] for field in dataclasses.fields(Settings)}
    listed = [row[0] for row in rows("variable")]
    assert sorted(listed) == sorted(variables)


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_the_table_of_settings_tells_the_default(field):
    told = {row[0]: row[1] for row in rows("variable")}
    assert field.metadata["read"](told[field.metadata["variable"]]) == field.default


def test_the_table_of_settings_tells_what_suits_each_store():
    (told,) = [row[2] for row in rows("variable") if row[0] == "RECEIVER_BATCH"]
    suits = f"{SqliteStore.batch} on SQLite and {PostgresqlStore.batch} on PostgreSQL"
    assert f"as many as suit the store, which is {suits}" in told


def test_the_table_of_commands_holds_every_command():
    commands = application.list_commands(click.Context(application))
    assert {row[0] for row in rows("command")} == set(commands)


def test_the_table_of_counts_holds_every_count():
    assert [row[0] for row in rows("column")] == list(counts.NUMBERS)


def test_the_table_of_metrics_holds_every_metric(registered):
    assert {row[0] for row in rows("metric")} == registered


def test_alerts_name_metrics_that_exist(registered):
    # A histogram is asked by its buckets.
    named = {name.removesuffix("_bucket") for name in re.findall(r"\breceiver_\w+", GUIDE)}
    assert named <= registered


def test_the_unit_starts_again_after_trouble_that_may_pass():
    told = {row[0] for row in rows("exit code")}
    assert "75" in told
    assert re.findall(r"^RestartPreventExitStatus=(.*)$", UNIT, re.MULTILINE) == ["2"]
    head = UNIT.split("[Service]")[0]
    assert "\nStartLimitIntervalSec=0\n" in head


def test_the_log_line_that_a_rotation_waits_for_is_as_it_is_written():
    import io

    from reference_impl import logs

    stream = io.StringIO()
    logs.configure(stream)
    logs.logger().info("Cal.com webhook secret", secret="previous")
    pattern = re.search(r"grep '(.*)'", GUIDE)[1]
    assert pattern in stream.getvalue()


def test_what_the_section_about_logs_greps_for_is_how_lines_are_written(machine, log_lines):
    body = a_body(uid="bk_9mXz4QpR", bookingId=987654)
    machine.inbox.start()
    asyncio.run(machine.receiver.judge("", signed(body), body))
    machine.inbox.stop()
    assert machine.worker.step()
    section = GUIDE.split("## Logs")[1].split("## Health")[0]
    patterns = re.findall(r"grep '(.*?)'", section)
    assert len(patterns) == 3
    assert all(pattern in log_lines.getvalue() for pattern in patterns)
    # The sizing counts on three lines a delivery that is as its schema says.
    ordinary = [line for line in log_lines.getvalue().splitlines() if "deviates" not in line]
    assert len(ordinary) == 3


def told_lines():
    return {name for row in rows("line") for name in row[0].split("`, `")}


def sources():
    folder = ROOT / "reference_impl"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))]


def test_the_section_about_logs_names_lines_that_are_written():
    written = "".join(sources())
    for name in told_lines():
        assert f'"{name}"' in written


def test_the_section_about_logs_names_every_line_that_is_written():
    calls = [
        node
        for source in sources()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"info", "warning", "error"}
    ]
    first = [call.args[0] for call in calls if call.args]
    written = {line.value for line in first if isinstance(line, ast.Constant)}
    assert len(written) > 20
    assert written <= told_lines()


# --- units ------------------------------------------------------------------------------------

UNITS = sorted((ROOT / "docs").glob("*.service"))


def lasting(unit):
    """What each unit says about its user, its folder and its bounds."""
    return unit.partition("# One user for all units")[2].partition("[Install]")[0].strip()


def test_every_unit_has_the_user_the_folder_and_the_hardening_of_the_first():
    assert len(UNITS) == 4
    assert "User=reference-receiver\n" in lasting(UNIT)
    for path in UNITS:
        text = path.read_text(encoding="utf-8")
        assert lasting(text) == lasting(UNIT), path.name
        for line in ("EnvironmentFile=", "Environment=DATABASE_URL="):
            assert re.findall(f"^{line}.*$", text, re.MULTILINE) == re.findall(
                f"^{line}.*$", UNIT, re.MULTILINE
            ), path.name


def lasts(unit):
    """Whether it is a service that runs until it is stopped."""
    return "\nType=oneshot\n" not in unit


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_every_unit_sets_settings_that_exist_and_leaves_time_to_stop(path):
    text = path.read_text(encoding="utf-8").replace("%i", "8000")
    variables = {field.metadata["variable"] for field in dataclasses.fields(Settings)}
    given = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    assert set(given) <= variables
    settings = Settings.from_environment({**given, "CALCOM_WEBHOOK_SECRET": "s"}).check()
    if lasts(text):
        patience = float(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1])
        assert patience > settings.stop_seconds + settings.store_seconds


def test_every_unit_that_lasts_is_started_once_it_says_so_however_long_that_takes():
    lasting_units = [text for path in UNITS if lasts(text := path.read_text(encoding="utf-8"))]
    assert len(lasting_units) == 3
    for text in lasting_units:
        assert "\nType=notify\n" in text
        assert "\nTimeoutStartSec=infinity\n" in text


def test_every_unit_that_lasts_starts_again_after_what_may_pass():
    for path in UNITS:
        text = path.read_text(encoding="utf-8")
        if lasts(text):
            assert "\nStartLimitIntervalSec=0\n" in text.split("[Service]")[0], path.name
            assert "\nRestart=on-failure\n" in text, path.name
            assert "\nRestartPreventExitStatus=2\n" in text, path.name


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_every_unit_runs_a_command_that_exists_and_takes_its_options(path):
    text = path.read_text(encoding="utf-8")
    words = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1].replace("%i", "8000").split()
    command = application.commands[words[1]]
    assert command.make_context(words[1], words[2:]).params is not None


def test_the_guide_names_every_unit():
    for path in [*UNITS, ROOT / "docs" / "reference-receiver-prune.timer"]:
        assert f"]({path.name})" in GUIDE


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here to ask")
def test_systemd_has_nothing_to_say_about_the_units(tmp_path):
    for path in (ROOT / "docs").glob("reference-receiver*"):
        text = path.read_text(encoding="utf-8")
        # The command need not be installed where this is asked.
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        (tmp_path / path.name.replace("@.", "@8000.")).write_text(text, encoding="utf-8")
    for path in tmp_path.iterdir():
        told = subprocess.run(
            ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
        )
        # Of the machine's own units it may have much to say.
        assert path.name not in told.stderr


# --- sizing -----------------------------------------------------------------------------------


def test_the_table_of_processes_follows_from_what_was_measured():
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    printed = sizing.table(sizing.read(page))
    assert printed in GUIDE, "python bench/sizing.py prints what belongs there"


def test_processes_are_rounded_up_and_one_that_accepts_is_to_spare():
    rows_ = sizing.table(sizing.Measured(100, 50, 200, 100, 1000, 1200)).splitlines()[-5:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows_]
    # 100 per second at six tenths of 100 and 200, and of 50 and 100, and of a core.
    assert cells[2] == ["100", "3", "1", "10.0%", "5", "2", "0.2"]
