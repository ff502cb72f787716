"""
Certificates: checked unless the caller says otherwise, on every way to send.
"""

import contextlib
import shutil
import ssl
import subprocess

import pytest

from mock_calcom import delivery, wire
from mock_calcom.delivery import Subscription
from mock_calcom.sender import Sender
from tests.unit.mock_calcom.loopback import answers

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificate"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody vouches for, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(made)]
    subprocess.run([*request.split(), *named, *files], check=True, capture_output=True)
    return made, key


@pytest.fixture
def sent(certificate, receiver, calendar, at):
    """A delivery to a receiver that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def play(connection, listening):
        with (
            contextlib.suppress(ssl.SSLError),
            context.wrap_socket(connection, server_side=True) as secured,
        ):
            answers()(secured, listening)

    listening = receiver(play)
    url = listening.url.replace("http://", "https://")
    occurrence = calendar.any_of("BOOKING_CREATED", at)
    return listening, delivery.compose(occurrence, Subscription(url, "s3cret"))


WAYS = {
    "attempt": lambda sent, verify: Sender(5, verify=verify).attempt(sent),
    "volley": lambda sent, verify: Sender(5, verify=verify).volley([sent])[0],
    "exact": lambda sent, verify: wire.exact(sent, verify=verify, timeout=5),
    "slow": lambda sent, verify: wire.slow(sent, 500, 0.001, verify=verify, timeout=5),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_certificate_nobody_vouches_for_is_refused(sent, way):
    listening, composed = sent
    assert way(composed, True).problem == "tls"
    assert listening.received == []


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_authority_of_ones_own_can_be_trusted(sent, certificate, way):
    listening, composed = sent
    assert way(composed, str(certificate[0])).acknowledged
    head, body = listening.received[0]
    assert body == composed.body
    assert b"accept-encoding: br, gzip, deflate" in head


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_checking_can_be_switched_off(sent, way):
    assert way(sent[1], False).acknowledged
