"""A target that cannot be judged is not judged, and its operator is told why."""

from __future__ import annotations

import json

import pytest

from calcontract import smoke
from calcontract.errors import CapabilityError, Exit, SetupError, TargetUnreachableError
from calcontract.reference import free_port
from mock_calcom.signature import HEADER
from tests.unit.calcontract.makers import SECRET
from tests.unit.calcontract.stand import rightly_signed


def problem(target, kind=SetupError):
    with pytest.raises(kind) as caught:
        smoke.look(target)
    assert caught.value.exit_code is Exit.SETUP
    assert caught.value.hint
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_a_sound_receiver_is_looked_at_once(receiver):
    smoke.look(receiver.target())
    assert len(receiver.received) == 1
    assert receiver.looks == receiver.states == []


def test_what_is_sent_is_ordinary_and_rightly_signed(receiver):
    smoke.look(receiver.target())
    (headers, body) = receiver.received[0]
    assert rightly_signed(headers, body)
    assert json.loads(body)["triggerEvent"] == "BOOKING_CREATED"


def test_names_beyond_ascii_do_not_decide_whether_there_is_a_run(receiver):
    for seed in range(10):
        smoke.look(receiver.target(seed=seed))
    assert all(body.isascii() for _, body in receiver.received)
    assert len(receiver.received) == 10


def test_a_receiver_that_signs_what_it_has_written_again_is_recognised(receiver):
    def answer(headers, body):
        return 202 if rightly_signed(headers, json.dumps(json.loads(body)).encode()) else 401

    receiver.answer = answer
    assert "signs JSON that it has read and written again" in problem(receiver.target())


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, "the secret is another one, or the receiver takes an ordinary delivery for a broken"),
        (409, "the receiver's log; or the secret is another one"),
        (401, "the secret is another one"),
        (403, "firewall or CSRF filter"),
        (404, "the path is another one"),
        (405, "belongs to something else"),
        (410, "it is gone"),
        (413, "the body limit"),
        (415, "another content type"),
        (418, "the receiver's log; or the secret is another one"),
        (419, "a CSRF filter stands before the receiver; or the secret is another one"),
        (422, "a CSRF filter or a validator stands before the receiver; or the secret is another"),
        (500, "the receiver's log"),
        (503, "cannot write to its store"),
    ],
)
def test_a_status_has_a_likely_cause(receiver, status, cause):
    receiver.answer = lambda headers, body: status
    sentence = problem(receiver.target())
    assert f"answers an ordinary signed delivery with {status}" in sentence
    assert cause in sentence


def test_where_a_refusal_is_declared_to_be_by_another_status_the_secret_is_named(receiver):
    receiver.answer = lambda headers, body: 404
    declared = receiver.target(profile="calcom", statuses={"refuse": [404]})
    assert "the path is another one; or the secret is another one" in problem(declared)
    assert "secret" not in problem(receiver.target())


def test_a_redirect_is_named_because_cal_com_does_not_follow(receiver):
    receiver.answer = lambda headers, body: (308, {"Location": "https://hooks.example/hook/"})
    assert "redirects to https://hooks.example/hook/" in problem(receiver.target())
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (f"{SECRET}\n", "ends in a line feed"),
        (f" {SECRET}", "has a space around it"),
        (f"{SECRET} ", "has a space around it"),
        (f'"{SECRET}"', "has quotes around it"),
    ],
)
def test_a_well_known_mistake_with_the_secret_is_recognised(receiver, key, words):
    receiver.answer = lambda headers, body: 202 if rightly_signed(headers, body, key) else 401
    assert words in problem(receiver.target())


@pytest.mark.parametrize("ours", [f"{SECRET}\n", f"'{SECRET}'", f' "{SECRET}"'])
def test_a_mistake_on_our_side_is_recognised_too(receiver, ours):
    assert "the secret given here has white space or quotes" in problem(
        receiver.target(secret=ours)
    )


def test_a_receiver_that_insists_on_a_prefix_is_recognised(receiver):
    receiver.answer = lambda headers, body: 202 if "sha256=" in headers[HEADER] else 401
    assert "insists on the prefix sha256=" in problem(receiver.target())


def test_a_throttle_is_no_receiver_to_judge(receiver):
    receiver.answer = lambda headers, body: (429, {"Retry-After": "0"})
    assert "raise its limit for the time of the run" in problem(receiver.target())


def test_nobody_at_the_address_is_said_so(receiver):
    url = f"http://127.0.0.1:{free_port()}/hook"
    sentence = problem(receiver.target(target=url), TargetUnreachableError)
    assert f"{url} cannot be reached: it refuses the connection" in sentence


def test_a_host_that_nobody_knows_is_no_receiver_that_is_down(receiver):
    # RFC 6761, section 6.4: no name below it has an address.
    told = {"target": "http://receiver.invalid/hook", "i_may_test": "receiver.invalid"}
    sentence = problem(receiver.target(**told, insecure_http=True), TargetUnreachableError)
    assert "cannot be reached: nobody knows its host; correct the URL" in sentence


def test_no_answer_is_said_so(receiver):
    def hang_up(headers, body):
        raise ConnectionAbortedError

    receiver.answer = hang_up
    receiver._server.handle_error = lambda *arguments: None
    assert "gives no answer" in problem(receiver.target(), TargetUnreachableError)


# --- what a run would tell first ------------------------------------------------------------------


def compactly(body):
    """As JavaScript writes what it has read, and so as Cal.com has written it."""
    return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()


def test_a_receiver_that_verifies_bytes_is_not_doubted(receiver):
    target = receiver.target()
    smoke.look(target)
    assert smoke.doubt(target) == ""
    headers, body = receiver.received[1]
    assert rightly_signed(headers, body)
    assert len(receiver.received) == 2


def test_a_receiver_that_verifies_what_it_has_written_again_is_doubted(receiver):
    receiver.answer = lambda headers, body: 202 if rightly_signed(headers, compactly(body)) else 401
    target = receiver.target()
    smoke.look(target)
    doubt = smoke.doubt(target)
    assert "answered with 401: it seems to verify JSON that it has read and written again" in doubt
    assert "(sig-010)" in doubt


def test_a_receiver_that_fails_at_white_space_is_doubted_for_that(receiver):
    receiver.answer = lambda headers, body: 202 if compactly(body) == body else 500
    target = receiver.target()
    smoke.look(target)
    assert "answered with 500: the receiver's log may tell why" in smoke.doubt(target)


def test_a_receiver_that_looks_at_no_signature_is_doubted(receiver):
    receiver.answer = lambda headers, body: 202
    target = receiver.target()
    smoke.look(target)
    (doubt,) = smoke.doubts(target)
    assert doubt == "one that is signed with another secret is answered with 202 (sig-003)"


def test_a_sound_receiver_is_not_doubted(receiver):
    receiver.answer = lambda headers, body: 202 if rightly_signed(headers, body) else 401
    target = receiver.target()
    smoke.look(target)
    assert smoke.doubts(target) == []


def test_who_throttles_is_not_doubted(receiver):
    receiver.answer = lambda headers, body: (429, {"Retry-After": "0"})
    with pytest.raises(SetupError, match="throttles"):
        smoke.doubt(receiver.target())


# --- capabilities ---------------------------------------------------------------------------------


def test_a_log_that_cannot_be_read_is_a_failed_set_up(receiver, tmp_path):
    target = receiver.target(log=str(tmp_path / "nowhere.log"))
    assert "nowhere.log" in problem(target, CapabilityError)


def test_declared_capabilities_are_tried(receiver):
    smoke.look(receiver.target(capabilities=("probe", "states")))
    assert len(receiver.looks) == 1
    assert "uid=" in receiver.looks[0]
    assert [told["state"] for told in receiver.states] == [
        *("clock advances", "processing fails", "processing is slow", "worker resumes"),
        "appointment exists",
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, b"{}"), "answered 404"),
        ((401, b"{}"), "answered 401"),
        ((200, b"<html>"), "in another shape"),
        ((200, b"[]"), "in another shape"),
        ((200, b"null"), "in another shape"),
        ((200, b"{}"), "in another shape"),
        ((200, b'{"appointments":[{"id":1}]}'), "in another shape"),
    ],
)
def test_a_probe_that_does_not_work_is_a_failed_set_up(receiver, answer, words):
    receiver.probe_answer = answer
    assert words in problem(receiver.target(capabilities=("probe",)), CapabilityError)


def test_states_that_do_not_work_are_a_failed_set_up(receiver):
    receiver.states_answer = (404, b'{"error":"unknown"}')
    target = receiver.target(capabilities=("probe", "states"))
    assert "every provider state was answered with 404" in problem(target, CapabilityError)


def test_states_that_the_receiver_does_not_know_are_remembered(receiver):
    receiver.unknown_states = {"clock advances", "worker resumes"}
    target = receiver.target(capabilities=("probe", "states"))
    smoke.look(target)
    assert target.unknown_states == ("clock advances", "worker pauses")


def test_nothing_is_asked_for_that_the_profile_has_no_use_for(receiver):
    receiver.unknown_states = {"appointment exists"}
    target = receiver.target(capabilities=("probe", "states"), profile="calcom")
    smoke.look(target)
    assert target.unknown_states == ()


def test_a_state_that_is_known_and_fails_is_a_failed_set_up(receiver):
    receiver.states_answer = (500, b"{}")
    target = receiver.target(capabilities=("probe", "states"))
    assert "'clock advances' was answered with 500" in problem(target, CapabilityError)


@pytest.mark.parametrize("name", ["probe", "states"])
def test_a_capability_at_an_address_where_nobody_is_is_a_failed_set_up(receiver, name):
    target = receiver.target(capabilities=("probe",), **{name: f"http://127.0.0.1:{free_port()}/"})
    assert "cannot be reached" in problem(target, CapabilityError)
