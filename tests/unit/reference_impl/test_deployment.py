"""The proxy, and the commands for a shell, as `docs/operating.md` prints them: they work."""

import contextlib
import dataclasses
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import textwrap
import time
from pathlib import Path

import pytest
import trustme

from reference_impl.dashboard import ADMIN_PATH
from reference_impl.settings import WEBHOOK_PATH, Settings
from tests.unit.reference_impl.bodies import a_body, sign
from tests.unit.reference_impl.process import PATIENCE, Process

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
UNIT = (ROOT / "docs" / "reference-receiver.service").read_text(encoding="utf-8")
TEMPLATE = (ROOT / "docs" / "reference-receiver@.service").read_text(encoding="utf-8")

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
PASSWORD = "correct-horse-battery"


def printed(language):
    """Every block of the guide in *language*, as one would copy it."""
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```$", GUIDE, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


SINGLE, SEVERAL, ADMIN = printed("nginx")


# --- what can be read -------------------------------------------------------------------------


def statements(text):
    """The statements of nginx's language: words, and what stands in braces behind them."""
    words = re.findall(r"[{};]|[^\s{};]+", re.sub(r"#.*", "", text))
    root, parents, current = [], [], []
    inner = root
    for word in words:
        if word == ";":
            inner.append((*current, None))
        elif word == "{":
            block = []
            inner.append((*current, block))
            parents.append(inner)
            inner = block
        elif word == "}":
            assert not current
            inner = parents.pop()
        else:
            current.append(word)
            continue
        current = []
    assert not parents
    assert not current
    return root


def given(block, *name):
    """The words behind *name* in the one statement of *block* that begins with it."""
    (found,) = [one[len(name) :] for one in block if one[: len(name)] == name]
    return found


@pytest.mark.parametrize("example", [SINGLE, SEVERAL], ids=["single", "several"])
def test_a_proxy_takes_what_the_receiver_takes_for_as_long(example):
    (server,) = given(statements(example), "server")
    (door,) = given(server, "location", "=", WEBHOOK_PATH)
    megabytes = given(door, "client_max_body_size")[0].removesuffix("m")
    assert int(megabytes) * 1024 * 1024 == Settings.body_limit
    assert given(server, "client_header_timeout")[0] == f"{Settings.head_seconds:g}s"
    assert given(server, "client_body_timeout")[0] == f"{Settings.body_seconds:g}s"


@pytest.mark.parametrize("example", [SINGLE, SEVERAL], ids=["single", "several"])
def test_a_proxy_ends_tls_names_its_client_and_passes_nothing_else(example):
    (server,) = given(statements(example), "server")
    assert given(server, "listen") == ("443", "ssl", None)
    assert given(server, "ssl_certificate")
    assert given(server, "ssl_certificate_key")
    (door,) = given(server, "location", "=", WEBHOOK_PATH)
    assert given(door, "proxy_set_header", "X-Forwarded-For")[0] == "$remote_addr"
    (elsewhere,) = given(server, "location", "/")
    assert given(elsewhere, "return")[0] == "404"


def test_the_proxies_pass_to_where_the_units_listen():
    (server,) = given(statements(SINGLE), "server")
    (door,) = given(server, "location", "=", WEBHOOK_PATH)
    (admin,) = given(statements(ADMIN), "location", ADMIN_PATH)
    host, port = re.search(r"^ExecStart=.* --host (\S+) --port (\d+)$", UNIT, re.MULTILINE).groups()
    for block in (door, admin):
        assert given(block, "proxy_pass")[0] == f"http://{host}:{port}"
    (upstream,) = given(statements(SEVERAL), "upstream", "receiver")
    ports = sorted(set(re.findall(r"reference-receiver@(\d+)", GUIDE)))
    assert f"--host {host} --port %i\n" in TEMPLATE
    # One that failed has to be asked again at once: the next to restart may be the other.
    assert upstream == [("server", f"{host}:{port}", "max_fails=0", None) for port in ports]


def test_each_command_on_the_server_runs_as_the_service_does():
    (function,) = printed("sh")
    properties = re.findall(r"--property=(\S+)", function)
    assert len(properties) == 6
    for line in properties:
        assert f"\n{line}\n" in UNIT
    (database,) = re.findall(r"--setenv=(\S+)", function)
    assert f"\nEnvironment={database}\n" in UNIT
    assert re.search(r"^ExecStart=(\S+)", UNIT, re.MULTILINE)[1] in function
    subprocess.run(["/bin/sh", "-n"], input=function, text=True, check=True)


def test_the_drop_in_names_settings_that_exist_and_credentials_that_it_loads():
    (dropin,) = printed("ini")
    loaded = set(re.findall(r"^LoadCredential=([^:]+):", dropin, re.MULTILINE))
    used = dict(re.findall(r"(RECEIVER_\w+)=%d/(\S+)", dropin))
    assert set(used.values()) == loaded
    assert set(used) <= {field.metadata["variable"] for field in dataclasses.fields(Settings)}


# --- what can be run --------------------------------------------------------------------------


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return opened.getsockname()[1]


class Proxy:
    """nginx with an example of the guide; only addresses and files are the test's own."""

    def __init__(self, folder, example, *receivers):
        self._folder = folder
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        (folder / "chain.pem").write_bytes(chain)
        self._trusting = ssl.create_default_context()
        authority.configure_trust(self._trusting)
        self.port = free_port()
        text = example.replace("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl")
        text = re.sub(r"(ssl_certificate) \S+;", rf"\1 {folder}/chain.pem;", text)
        text = re.sub(r"(ssl_certificate_key) \S+;", rf"\1 {folder}/key.pem;", text)
        for theirs, ours in zip(("127.0.0.1:8000", "127.0.0.1:8001"), receivers, strict=False):
            text = text.replace(theirs, ours.removeprefix("http://"))
        self.file = folder / "nginx.conf"
        self.file.write_text(self._around(text), encoding="utf-8")
        self._command = [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", self.file]

    def _around(self, example):
        """What a distribution's own file has around *example*, in a folder of the test's own."""
        built = subprocess.run([NGINX, "-V"], capture_output=True, text=True, check=True).stderr
        folders = re.findall(r"--http-([a-z-]+)-temp-path", built)
        places = [f"{name.replace('-', '_')}_temp_path {name};" for name in folders]
        # Its workers have to get into that folder.
        user = "user root;" if os.geteuid() == 0 else ""
        return (
            f"daemon off; pid nginx.pid; worker_processes 1; {user} events {{}}\n"
            f"http {{ access_log off; {' '.join(places)}\n{example}}}\n"
        )

    def verify(self):
        """What `nginx -t` says, and whether it is content."""
        told = subprocess.run(
            [*self._command, "-t"], capture_output=True, text=True, timeout=30, check=False
        )
        return told.returncode, told.stderr

    @contextlib.contextmanager
    def running(self):
        with subprocess.Popen(self._command) as process:
            try:
                deadline = time.monotonic() + PATIENCE
                while not self._listens():
                    assert process.poll() is None, (self._folder / "error.log").read_text()
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                yield self
            finally:
                process.terminate()

    def _listens(self):
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, path, body=None, **headers):
        """The status of the answer, and its body."""
        line = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self._trusting, timeout=PATIENCE
        )
        with contextlib.closing(line):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            line.request("GET" if body is None else "POST", path, body, named)
            answer = line.getresponse()
            return answer.status, answer.read()

    def deliver(self, body, **headers):
        return self.ask(WEBHOOK_PATH, body, X_Cal_Signature_256=sign(body), **headers)[0]


@pytest.fixture
def receiver(tmp_path):
    """Starts receivers as the guide does, with *changes* to their settings."""
    with contextlib.ExitStack() as stack:

        def start(*arguments, **changes):
            process = Process(tmp_path, *arguments, RECEIVER_TRUSTED_PROXIES="127.0.0.1", **changes)
            stack.callback(process.end)
            return process

        yield start


needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not here to ask")


@needs_nginx
def test_nginx_takes_every_example_and_would_tell_if_it_did_not(tmp_path):
    for example in (SINGLE, SEVERAL, SINGLE.replace("location / {", f"{ADMIN}\nlocation / {{")):
        code, told = Proxy(tmp_path, example).verify()
        assert code == 0, told
        assert "warn" not in told
    without = re.sub(r"ssl_certificate\S* .*", "", SINGLE)
    assert Proxy(tmp_path, without).verify()[0] != 0


@needs_nginx
def test_deliveries_pass_the_proxy_and_nothing_else_does(tmp_path, receiver):
    behind = receiver(RECEIVER_ADMIN_PASSWORD=PASSWORD)
    with Proxy(tmp_path, SINGLE, behind.origin).running() as proxy:
        assert proxy.deliver(a_body()) == 202
        assert proxy.ask(WEBHOOK_PATH, a_body(), X_Cal_Signature_256="0" * 64)[0] == 401
        # Longer than nginx keeps in memory by default, with every byte there is in a text.
        long = a_body(uid="long", title="".join(map(chr, range(32, 1000))) * 100)
        assert proxy.deliver(long) == 202
        assert proxy.deliver(b" " * Settings.body_limit) == 400
        assert proxy.deliver(b" " * (Settings.body_limit + 1)) == 413
        for path in ("/", "/healthz", "/readyz", "/metrics", ADMIN_PATH, f"{WEBHOOK_PATH}/"):
            assert proxy.ask(path)[0] == 404, path


@needs_nginx
def test_who_lies_about_an_address_is_throttled_all_the_same(tmp_path, receiver):
    behind = receiver(RECEIVER_THROTTLE="2")
    with Proxy(tmp_path, SINGLE, behind.origin).running() as proxy:
        said = [f"203.0.113.{number}" for number in range(3)]
        answers = [proxy.deliver(a_body(uid=one), X_Forwarded_For=one) for one in said]
    assert answers == [202, 202, 429]


@needs_nginx
def test_the_other_receiver_is_asked_while_one_is_away(tmp_path, receiver):
    one, other = receiver(), receiver()
    with Proxy(tmp_path, SEVERAL, one.origin, other.origin).running() as proxy:
        one.end()
        assert {proxy.deliver(a_body(uid=f"first {number}")) for number in range(4)} == {202}
        receiver("--port", one.origin.rpartition(":")[2])
        other.end()
        # A proxy that takes out of service who failed would have nobody left now.
        assert {proxy.deliver(a_body(uid=f"second {number}")) for number in range(4)} == {202}
