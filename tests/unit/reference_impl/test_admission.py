"""Who is not let into PostgreSQL: what a start says of it, and that a process that runs goes on."""

import time
from pathlib import Path

import psycopg
import pytest

from tests import postgresql as servers
from tests.unit.reference_impl.bodies import a_body
from tests.unit.reference_impl.process import Process, command

PATIENCE = 15.0

#: A database that nobody serves.
NOBODY = "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"

ADVICE = "make the role, its password and the database as DATABASE_URL names them"

#: Whose password is asked for, and who is turned away at the gate.
RULES = "local all guest scram-sha-256\nlocal all barred reject\n"


class Guarded:
    """A server that asks `guest` for a password, and lets in whoever else it knows."""

    def __init__(self, url):
        self._url = url.set(drivername="postgresql")
        with self._administrator() as administrator:
            administrator.execute("CREATE ROLE guest LOGIN PASSWORD 'right'")
            administrator.execute("CREATE ROLE barred LOGIN")
            administrator.execute("CREATE DATABASE inbox OWNER guest")
            (path,) = administrator.execute("SHOW hba_file").fetchone()
            Path(path).write_text(RULES + Path(path).read_text("utf-8"), "utf-8")
            administrator.execute("SELECT pg_reload_conf()")
        self._until_it_asks()

    def url(self, user="guest", password="right", database="inbox", **query):
        """What `DATABASE_URL` says of it."""
        url = self._url.set(
            drivername="postgresql+psycopg", username=user, password=password, database=database
        )
        return url.update_query_dict(query).render_as_string(hide_password=False)

    def execute(self, *statements):
        """Have the administrator execute *statements*, and end every other connection."""
        with self._administrator() as administrator:
            for statement in statements:
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guest'"
                )
                administrator.execute(statement)

    def _administrator(self):
        url = self._url.render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True)

    def _until_it_asks(self):
        deadline = time.monotonic() + PATIENCE
        nobody = self.url(password="hunter2").replace("+psycopg", "")
        while time.monotonic() < deadline:
            try:
                psycopg.connect(nobody).close()
            except psycopg.OperationalError:
                return
        pytest.fail("it does not ask for a password")


@pytest.fixture(scope="module")
def guarded():
    try:
        with servers.server() as url:
            yield Guarded(url)
    except servers.NoServerError as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize("name", ["serve", "stats"])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "hunter2"}, 'password authentication failed for user "guest"'),
        ({"password": None}, "no password supplied"),
        ({"user": "nobody"}, 'role "nobody" does not exist'),
        ({"user": "barred"}, 'user "barred"'),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
    ],
)
def test_who_is_not_let_in_may_be_later_and_is_told_what_to_do(
    guarded, tmp_path, name, wrong, words
):
    outcome = command(tmp_path, name, DATABASE_URL=guarded.url(**wrong))
    assert (outcome.returncode, outcome.stdout) == (75, "")
    assert words in outcome.stderr
    assert ADVICE in outcome.stderr
    assert "hunter2" not in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["serve", "stats"])
def test_where_there_is_no_server_nobody_is_told_to_mend_a_role(tmp_path, name):
    outcome = command(tmp_path, name, DATABASE_URL=NOBODY)
    assert outcome.returncode == 75
    assert "refused" in outcome.stderr
    assert ADVICE not in outcome.stderr


OPTIONS = [
    ("sslmode=verify", 'invalid sslmode value: "verify"'),
    ("target_session_attrs=any-one", 'invalid target_session_attrs value: "any-one"'),
    ("keepalives=yes", 'invalid integer value "yes" for connection option "keepalives"'),
    ("coffee=black", 'invalid connection option "coffee"'),
]


@pytest.mark.parametrize(("option", "words"), OPTIONS)
def test_an_option_that_makes_no_sense_stays_wrong(tmp_path, option, words):
    outcome = command(tmp_path, "serve", DATABASE_URL=f"{NOBODY}?{option}")
    said = f"reference-receiver: DATABASE_URL cannot be used: {words}\n"
    assert (outcome.returncode, outcome.stderr) == (2, said)


@pytest.mark.parametrize("name", ["worker", "stats", "migrate"])
def test_an_option_that_makes_no_sense_stays_wrong_where_there_is_a_server(guarded, tmp_path, name):
    outcome = command(tmp_path, name, DATABASE_URL=guarded.url(sslmode="verify"))
    said = 'reference-receiver: DATABASE_URL cannot be used: invalid sslmode value: "verify"\n'
    assert (outcome.returncode, outcome.stderr) == (2, said)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (NOBODY.replace(":1/", ":99999/"), 'cannot be used: invalid port number: "99999"'),
        (f"{NOBODY}?host=a:1&host=b:c", "names hosts and ports that do not match"),
        (NOBODY.replace("hunter2", "secret@hunter2"), "has an @ too many: one in a password"),
        (NOBODY.replace("hunter2", "se@hunter2/cret"), "has an @ too many: one in a password"),
    ],
)
def test_an_address_that_is_none_stays_wrong(tmp_path, url, words):
    outcome = command(tmp_path, "serve", DATABASE_URL=url)
    assert outcome.returncode == 2
    assert words in outcome.stderr
    assert "hunter2" not in outcome.stderr


@pytest.mark.parametrize(
    ("away", "back"),
    [
        ("ALTER ROLE guest PASSWORD 'another'", "ALTER ROLE guest PASSWORD 'right'"),
        ("ALTER ROLE guest NOLOGIN", "ALTER ROLE guest LOGIN"),
        ("ALTER DATABASE inbox RENAME TO attic", "ALTER DATABASE attic RENAME TO inbox"),
    ],
)
def test_who_is_not_let_in_while_it_runs_goes_on_and_says_503(guarded, tmp_path, away, back):
    receiver = Process(tmp_path, DATABASE_URL=guarded.url(), RECEIVER_STORE_SECONDS="1")
    try:
        assert receiver.deliver(a_body(uid=away)) == 202
        guarded.execute("ALTER ROLE guest CONNECTION LIMIT 0", away)
        assert receiver.deliver(a_body(uid=f"{away} 2")) == 503
        assert receiver.request(f"{receiver.origin}/readyz")[0] == 503
        guarded.execute(back, "ALTER ROLE guest CONNECTION LIMIT -1")
        assert receiver.deliver(a_body(uid=f"{away} 3")) == 202
    finally:
        assert receiver.end() == 0
