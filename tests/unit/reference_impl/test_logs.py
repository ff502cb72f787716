import asyncio
import contextlib
import io
import json
import logging
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from reference_impl import logs
from reference_impl.floods import BURST
from tests.unit.reference_impl.bodies import SECRET, a_body, sign, signed
from tests.unit.reference_impl.machines import put


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().split("\n") if line]


def judge(machine, body, headers):
    machine.inbox.start()
    answer = asyncio.run(machine.receiver.judge("127.0.0.1", headers, body))
    machine.inbox.stop()
    return answer


def test_a_receipt_is_found_by_the_guides_names(machine, log_lines):
    body = a_body(uid="abc", bookingId=987654)
    judge(machine, body, signed(body))
    line = lines(log_lines)[0]
    assert line["event"] == "Cal.com webhook received"
    assert (line["triggerEvent"], line["uid"]) == ("BOOKING_CREATED", "abc")
    assert line["calcomBookingId"] == 987654


def test_every_line_about_a_delivery_is_found_by_its_booking(machine, log_lines):
    body = a_body(uid="abc", bookingId=987654)
    judge(machine, body, signed(body))
    assert machine.worker.step()
    found = [
        line for line in log_lines.getvalue().split("\n") if '"calcomBookingId":987654' in line
    ]
    assert [json.loads(line)["event"] for line in found][:2] == [
        "Cal.com webhook received",
        "Processing Cal.com webhook",
    ]
    assert "Processed Cal.com webhook" in found[-1]


def test_a_duplicate_is_logged_as_ignored(machine, log_lines):
    for _ in range(2):
        judge(machine, a_body(), signed(a_body()))
    assert "Duplicate webhook ignored" in [line["event"] for line in lines(log_lines)]


def test_a_refusal_is_logged_without_anything_that_helps_to_forge(machine, log_lines):
    for headers in ([], [(b"x-cal-signature-256", b"0" * 64)]):
        judge(machine, a_body(), headers)
    assert [line["reason"] for line in lines(log_lines)] == [
        "missing signature",
        "invalid signature",
    ]
    for secret in (SECRET, sign(a_body()), "0" * 64):
        assert secret not in log_lines.getvalue()


def test_logs_hold_no_personal_data_unless_asked_to(assemble, settings, log_lines):
    import dataclasses

    body = a_body(oneTimePassword="opens-a-door")
    judge(assemble(settings), body, signed(body))
    assert "guest@client.example" not in log_lines.getvalue()
    body = a_body(minute=1, oneTimePassword="opens-a-door")
    judge(assemble(dataclasses.replace(settings, log_payloads=True)), body, signed(body))
    assert "guest@client.example" in log_lines.getvalue()
    assert "opens-a-door" not in log_lines.getvalue()


@pytest.mark.parametrize("mark", ["\n", "\r", "\x1b[2J", "\x00", "\x85", "\u2028", "\u2029"])
def test_no_character_breaks_a_line_in_two(machine, log_lines, mark):
    body = a_body(trigger=f"X{mark}Y", uid=f"a{mark}b")
    judge(machine, body, signed(body))
    assert len(log_lines.getvalue().splitlines()) == 1
    assert lines(log_lines)[0]["uid"] == f"a{mark}b"


@pytest.mark.parametrize("value", ["plain", "Zoë", "\ud800", 2**70, {"a": [1, None]}, 1.5, b"raw"])
def test_every_line_is_ascii_without_spaces_between_its_parts(log_lines, value):
    logs.logger().info("said", value=value)
    line = log_lines.getvalue().removesuffix("\n")
    assert line.isascii()
    told = json.loads(line)
    assert told["value"] == (repr(value) if isinstance(value, bytes) else value)
    assert line == json.dumps(told, separators=(",", ":"))
    assert datetime.fromisoformat(told["timestamp"]).utcoffset() == timedelta(0)
    assert told["timestamp"].endswith("Z")


def test_long_names_are_cut(machine, log_lines):
    body = a_body(trigger="X" * 10_000, uid="u" * 10_000)
    judge(machine, body, signed(body))
    assert len(log_lines.getvalue()) < 2_000


def test_a_problem_is_described_by_kind_and_place_only():
    with pytest.raises(ValueError, match="guest") as raised:
        int("guest@client.example")
    described = logs.describe(raised.value)
    assert described.startswith("ValueError in test_a_problem")
    assert "guest" not in described


def test_a_server_that_was_never_reached_is_told_apart_from_one_that_refused():
    never = OperationalError(None, None, Exception("nobody at guest@client.example"))
    assert logs.describe(never) == "OperationalError (no connection)"
    asked = OperationalError("SELECT 1", None, Exception("guest@client.example"))
    assert logs.describe(asked) == "OperationalError"


def test_while_two_secrets_are_active_the_log_tells_which_one_signed(assemble, settings, log_lines):
    import dataclasses

    machine = assemble(dataclasses.replace(settings, previous_secret="the-old-one"))
    for minute, secret in enumerate((SECRET, "the-old-one")):
        body = a_body(minute=minute)
        judge(machine, body, signed(body, secret))
    judge(machine, body, signed(body, "a third one"))
    told = [line for line in lines(log_lines) if line["event"] == "Cal.com webhook secret"]
    assert [line["secret"] for line in told] == ["current", "previous"]
    assert told[1]["webhookId"] == machine.receiver.identify(body)
    for secret in (SECRET, "the-old-one", "a third one"):
        assert secret not in log_lines.getvalue()


def test_with_one_secret_there_is_nothing_to_tell(machine, log_lines):
    judge(machine, a_body(), signed(a_body()))
    assert "webhook secret" not in log_lines.getvalue()


def test_plain_text_steers_nothing():
    assert logs.plain("a\x1b[2Jb\r\nc\u2028d") == "a?[2Jb??c?d"
    assert logs.plain("Zoë 😀") == "Zoë 😀"


def test_a_log_that_cannot_be_written_costs_no_delivery(machine):
    class FullDisk:
        def write(self, _):
            raise OSError(28, "No space left on device")

        flush = close = lambda *_: FullDisk().write("")

    logs.configure(FullDisk())
    machine.receiver.log = machine.worker.log = logs.logger()
    assert judge(machine, a_body(), signed(a_body())).status == 202
    assert machine.worker.step()
    assert not machine.worker.step()


class Writes(list):
    """A stream that keeps what was written to it at a time."""

    write = list.append

    def flush(self):
        """Keep nothing back."""


@pytest.fixture
def writes():
    stream = Writes()
    logs.configure(stream)
    return stream


def events(text):
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_lines_that_are_held_together_are_written_in_one(writes):
    with logs.together():
        logs.logger().info("a")
        with logs.together():
            logs.logger().info("b")
        assert writes == []
    logs.logger().info("c")
    assert [events(text) for text in writes] == [["a", "b"], ["c"]]


def test_what_is_held_is_written_when_an_exception_ends_it(writes):
    with contextlib.suppress(ZeroDivisionError), logs.together():
        logs.logger().info("a")
        1 / 0  # noqa: B018
    assert [events(text) for text in writes] == [["a"]]


def test_a_thread_holds_no_line_of_another(writes):
    with logs.together():
        logs.logger().info("a")
        other = threading.Thread(target=logs.logger().info, args=("b",))
        other.start()
        other.join()
    assert [events(text) for text in writes] == [["b"], ["a"]]


def test_in_a_loop_lines_are_written_at_the_end_of_a_turn(writes):
    async def log():
        with logs.together(asyncio.get_running_loop()):
            logs.logger().info("a")
            logs.logger().info("b")
            assert writes == []
            await asyncio.sleep(0)
            assert len(writes) == 1
            logs.logger().info("c")

    asyncio.run(log())
    assert [events(text) for text in writes] == [["a", "b"], ["c"]]


def test_what_another_stream_is_told_goes_there(writes):
    first = logs.logger()
    logs.configure(other := Writes())
    second = logs.logger()
    with logs.together():
        for logger, event in ((first, "a"), (second, "b"), (first, "c")):
            logger.info(event)
    assert [events(text) for text in (*writes, *other)] == [["a"], ["c"], ["b"]]


def test_a_batch_is_logged_in_two_writes_and_one_alone_before_it_is_begun(machine, writes):
    machine.worker.log = machine.handlers.log = logs.logger()
    for uid in "abc":
        put(machine, uid=uid)
    assert machine.worker.step(3) == 3
    begun = ["Processing Cal.com webhook", "Cal.com webhook deviates from its schema"]
    assert [events(text) for text in writes] == [begun * 3, ["Processed Cal.com webhook"] * 3]
    writes.clear()
    put(machine, uid="d")
    seen = []
    machine.worker.prepare = lambda job: seen.extend(writes)
    assert machine.worker.step() == 1
    assert events("".join(seen)) == ["Processing Cal.com webhook"]


def test_what_was_left_out_is_said_where_it_would_have_been(log_lines):
    for _ in range(BURST + 100):
        logging.getLogger("uvicorn").warning("Invalid HTTP request received.")
    elsewhere = io.StringIO()
    logs.configure(elsewhere)
    last = lines(log_lines)[-1]
    assert (last["event"], last["kind"]) == ("Log lines left out", "server")
    # Some more were admitted meanwhile if the machine was busy.
    assert 0 < last["lines"] <= 100
    assert elsewhere.getvalue() == ""


def test_a_traceback_of_the_server_is_one_line_without_what_it_quotes(log_lines):
    said = "Traceback (most recent call last):\n  File ...\nValueError: guest@client.example"
    record = logging.makeLogRecord({"msg": said, "levelno": logging.ERROR})
    logs._Bridge().emit(record)
    (line,) = lines(log_lines)
    assert (line["event"], line["reason"]) == ("Server in trouble", "ValueError")
    assert "guest" not in log_lines.getvalue()
