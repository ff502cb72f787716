"""Certificates of every kind, and what a run makes of them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from pathlib import Path

import pytest

from calcontract import settings, timing
from calcontract.certificates import flaw_of
from calcontract.errors import Inconclusive, TargetUnreachableError, UsageError
from calcontract.smoke import doubts, look
from calcontract.target import Target
from mock_calcom.delivery import Delivery
from tests.unit.calcontract.makers import SECRET

sys.path.insert(0, str(Path(__file__).parents[2]))

import certificates

FLAWED = ("self-signed", "unknown-authority", "expired", "not-yet-valid", "wrong-host")


class Shop:
    """Answers 202 to whatever comes over TLS."""

    def __init__(self, shown):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(shown.certificate, shown.key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._socket.getsockname()[1]}/hook"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._socket.accept()
                with contextlib.suppress(OSError), plain:
                    plain.settimeout(5)
                    with self._context.wrap_socket(plain, server_side=True) as line:
                        while (piece := line.recv(65536)) and not piece.endswith(b"}"):
                            pass
                        line.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def shop(tmp_path):
    with contextlib.ExitStack() as stack:

        def open_one(kind):
            shown = certificates.make(kind, tmp_path)
            return stack.enter_context(contextlib.closing(Shop(shown))).url, shown.authority

        yield open_one


def target_of(url, authority):
    return Target(settings.load(target=url, secret=SECRET, ca_file=authority), seed=1)


@pytest.mark.parametrize("kind", FLAWED)
def test_a_flaw_is_called_by_its_name(shop, kind):
    url, authority = shop(kind)
    assert flaw_of(url, authority=authority, timeout=5).reason == kind


def test_a_good_certificate_has_no_flaw(shop):
    url, authority = shop("trusted")
    assert flaw_of(url, authority=authority, timeout=5) is None
    # Without its authority nobody knows who vouches for it.
    assert flaw_of(url, authority=None, timeout=5).reason == "unknown-authority"


def test_what_is_no_certificate_has_no_flaw():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert flaw_of(f"https://127.0.0.1:{port}/", authority=None, timeout=1) is None
    assert flaw_of(f"http://127.0.0.1:{port}/", authority=None, timeout=1) is None


def test_after_a_flaw_was_told_the_rest_is_judged_all_the_same(shop):
    target = target_of(*shop("expired"))
    assert "tls" in target.capabilities
    assert "expired" in target.examine_certificate()
    look(target)
    assert target.line["verify"] is False


def test_a_flaw_that_no_clause_can_tell_of_stops_a_command(shop):
    with pytest.raises(TargetUnreachableError, match=r"signed by itself.*--ca-file"):
        look(target_of(*shop("self-signed")))


def test_what_a_run_would_make_of_a_flaw_is_said(shop):
    target = target_of(*shop("self-signed"))
    with pytest.raises(TargetUnreachableError, match=r"`calcontract check` .* goes on .*net-015"):
        look(target)
    # That one takes forgeries as well.
    said, _ = doubts(target)
    assert said.startswith("the certificate is signed by itself: ")
    assert "`calcontract check` accuses it and goes on without verifying it (net-015)" in said


def test_a_private_authority_is_trusted_when_it_is_named(shop):
    target = target_of(*shop("trusted"))
    assert target.examine_certificate() == ""
    look(target)


def test_a_line_that_is_timed_trusts_whom_the_run_trusts(shop):
    target = target_of(*shop("trusted"))
    forgery = Delivery(target.url, (), b"{}")
    with timing.Line(forgery, **target.line) as line:
        assert line.ask(forgery) > 0
    with timing.Line(forgery, target.sender.timeout) as line, pytest.raises(Inconclusive):
        line.ask(forgery)


def test_a_file_without_certificates_is_a_wrong_use(tmp_path):
    (tmp_path / "empty.pem").write_text("none")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(UsageError, match="holds no certificates"):
            settings.load(ca_file=tmp_path / name)
