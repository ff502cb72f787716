import pytest

from reference_impl.settings import BadSettingsError, Settings


def from_environment(**variables):
    return Settings.from_environment(variables)


def test_the_guides_variables_are_read():
    settings = from_environment(
        CALCOM_WEBHOOK_SECRET="s",
        CALCOM_WEBHOOK_VERIFY_SIGNATURE="true",
        CALCOM_WEBHOOK_LOG_PAYLOADS="true",
        CALCOM_WEBHOOK_QUEUE="webhooks",
        CALCOM_WEBHOOK_RETRY_ATTEMPTS="5",
        RECEIVER_BACKOFF="1,2.5,3",
        RECEIVER_NOTIFY="json://one.example json://two.example",
        UNRELATED="x",
    )
    assert settings.check() is settings
    assert (settings.log_payloads, settings.attempts) == (True, 5)
    assert settings.backoff == (1.0, 2.5, 3.0)
    assert len(settings.notify) == 2


def test_defaults_are_the_guides():
    settings = from_environment(CALCOM_WEBHOOK_SECRET="s")
    assert (settings.attempts, settings.backoff) == (3, (60.0, 300.0, 900.0))
    assert (settings.queue, settings.path) == ("webhooks", "/api/webhooks/calcom")
    assert settings.verify_signature
    assert not settings.log_payloads


@pytest.mark.parametrize("secret", ["", "  ", "\n"])
def test_without_a_secret_nothing_is_served(secret):
    with pytest.raises(BadSettingsError, match="CALCOM_WEBHOOK_SECRET is not set"):
        from_environment(CALCOM_WEBHOOK_SECRET=secret).check()


@pytest.mark.parametrize("secret", [" ", "\t\n"])
def test_nobody_signs_with_white_space(secret):
    blank = {"CALCOM_WEBHOOK_SECRET": "s", "CALCOM_WEBHOOK_SECRET_PREVIOUS": secret}
    with pytest.raises(BadSettingsError, match="CALCOM_WEBHOOK_SECRET_PREVIOUS is blank"):
        from_environment(**blank).check()


def test_an_empty_previous_secret_is_none():
    none = {"CALCOM_WEBHOOK_SECRET": "s", "CALCOM_WEBHOOK_SECRET_PREVIOUS": ""}
    assert from_environment(**none).check().secrets == ("s",)


@pytest.mark.parametrize("environment", ["production", "testing", "", "LOCAL "])
def test_verification_is_switched_off_only_locally(environment):
    off = {"CALCOM_WEBHOOK_VERIFY_SIGNATURE": "false", "RECEIVER_ENVIRONMENT": environment}
    with pytest.raises(BadSettingsError, match="RECEIVER_ENVIRONMENT=local"):
        from_environment(**off, CALCOM_WEBHOOK_SECRET="s").check()
    off["RECEIVER_ENVIRONMENT"] = "local"
    assert not from_environment(**off).check().verify_signature


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALCOM_WEBHOOK_VERIFY_SIGNATURE", "hunter2"),
        ("CALCOM_WEBHOOK_RETRY_ATTEMPTS", "hunter2"),
        ("CALCOM_WEBHOOK_RETRY_ATTEMPTS", "0"),
        ("RECEIVER_BODY_LIMIT", "-5"),
        ("RECEIVER_THROTTLE", "-1"),
        ("RECEIVER_LEASE", "nan"),
        ("RECEIVER_LEASE", "inf"),
        ("RECEIVER_BACKOFF", "60,,900"),
        ("RECEIVER_BACKOFF", "60,1e300"),
        ("RECEIVER_LEASE", "1e300"),
        ("RECEIVER_STOP_SECONDS", "31536001"),
        ("RECEIVER_WORKERS", "100000"),
        ("RECEIVER_WORKERS", "0"),
        ("RECEIVER_WORKERS", "1_0"),
        ("RECEIVER_WORKERS", "\N{ARABIC-INDIC DIGIT FOUR}"),
        ("RECEIVER_BODY_LIMIT", "1MB"),
        ("RECEIVER_BODY_LIMIT", "9" * 5000),
        ("RECEIVER_THROTTLE", "9" * 18),
        ("RECEIVER_BACKLOG_SECONDS", "9" * 18),
        ("CALCOM_WEBHOOK_RETRY_ATTEMPTS", "9" * 30),
        ("CALCOM_WEBHOOK_QUEUE", " "),
        ("CALCOM_WEBHOOK_QUEUE", "q" * 201),
        ("CALCOM_WEBHOOK_QUEUE", "two\nlines"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_repeated(name, value):
    with pytest.raises(BadSettingsError) as problem:
        from_environment(**{name: value})
    assert name in str(problem.value)
    assert "hunter2" not in str(problem.value)


@pytest.mark.parametrize(
    "path",
    [
        *("", "hook", "https://receiver.example/hook", "//receiver.example/hook", "/hook?key=1"),
        *("/hook#top", "/ho ok", "/hook\n", "/h%6Fok", "/h\xf6\xf6k"),
        *("/a//b", "/a/../b", "/.", "/a/.."),
    ],
)
def test_a_path_that_no_delivery_would_come_to_is_refused(path):
    with pytest.raises(BadSettingsError, match="RECEIVER_PATH must be a path alone"):
        from_environment(CALCOM_WEBHOOK_SECRET="s", RECEIVER_PATH=path).check()


@pytest.mark.parametrize(
    "path", ["/", "/hook", "/hook/", "/a/b.php/c", "/.well-known/x", "/...", "/~a:b@c"]
)
def test_a_path_may_be_any_other(path):
    assert from_environment(CALCOM_WEBHOOK_SECRET="s", RECEIVER_PATH=path).check().path == path


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RECEIVER_LEASE", "60s", "expected a number of seconds above 0, a year"),
        ("RECEIVER_LEASE", "1_0", "expected a number of seconds above 0, a year"),
        ("RECEIVER_BACKOFF", "1m,5m", "expected, with commas between, each a number of seconds"),
        ("RECEIVER_BACKOFF", "", "expected, with commas between, each a number of seconds"),
        ("RECEIVER_BODY_LIMIT", "0", "expected a whole number from 1 to 67108864"),
    ],
)
def test_what_was_expected_is_said_in_full(name, value, said):
    with pytest.raises(BadSettingsError, match=f"{name} cannot be read: {said}"):
        from_environment(**{name: value})


def test_a_password_of_blanks_is_none():
    blank = {"CALCOM_WEBHOOK_SECRET": "s", "RECEIVER_ADMIN_PASSWORD": " " * 20}
    with pytest.raises(BadSettingsError, match="RECEIVER_ADMIN_PASSWORD must have 16 characters"):
        from_environment(**blank).check()


def test_the_repr_hides_what_is_secret():
    settings = from_environment(
        CALCOM_WEBHOOK_SECRET="hunter2",
        CALCOM_WEBHOOK_SECRET_PREVIOUS="hunter2",
        DATABASE_URL="postgresql://u:hunter2@db.example/x",
        RECEIVER_NOTIFY="mailto://u:hunter2@mail.example",
    )
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("text", ["1001", "-1", "x", "1.5"])
def test_a_batch_has_a_size_that_a_statement_can_name(text):
    with pytest.raises(BadSettingsError, match=r"RECEIVER_BATCH.*expected a whole number"):
        Settings.from_environment({"RECEIVER_BATCH": text})
