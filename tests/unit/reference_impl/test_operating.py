"""What `docs/operating.md` says is what is there."""

import asyncio
import dataclasses
import re
from pathlib import Path

import pytest

from reference_impl.commands import application
from reference_impl.metrics import Metrics
from reference_impl.settings import Settings
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


def test_the_table_of_commands_holds_every_command():
    commands = application.commands
    assert {row[0] for row in rows("command")} == set(commands)


def test_the_table_of_metrics_holds_every_metric(registered):
    assert {row[0] for row in rows("metric")} == registered


def test_alerts_name_metrics_that_exist(registered):
    # A histogram is asked by its buckets.
    named = {name.removesuffix("_bucket") for name in re.findall(r"\breceiver_\w+", GUIDE)}
    assert named <= registered


def test_the_unit_sets_settings_that_exist_and_leaves_time_to_stop():
    variables = {field.metadata["variable"] for field in dataclasses.fields(Settings)}
    given = dict(re.findall(r"^Environment=(\w+)=(.*)$", UNIT, re.MULTILINE))
    assert set(given) <= variables
    settings = Settings.from_environment({**given, "CALCOM_WEBHOOK_SECRET": "s"}).check()
    patience = float(re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)[1])
    assert patience > settings.stop_seconds + settings.store_seconds


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


def test_the_section_about_logs_names_lines_that_are_written():
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "reference_impl").glob("*.py")
    )
    for row in rows("line"):
        for name in row[0].split("`, `"):
            assert f'"{name}"' in sources
