"""Where a setting comes from, and what is said about a bad one."""

from __future__ import annotations

import concurrent.futures
import os
import pickle

import pytest

from calcontract import records, settings
from calcontract.errors import Exit, UsageError
from calcontract.layers import CONFIG_FILE
from calcontract.settings import Settings
from mock_calcom.secrecy import MASK

SECRET = "s3cret-of-the-tests"
LOCAL = "http://127.0.0.1:8000/hook"


@pytest.fixture
def folder(tmp_path):
    """The current folder."""
    return tmp_path


def write(folder, text):
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")


def complaint(**options):
    with pytest.raises(UsageError) as caught:
        settings.load(**options)
    assert caught.value.exit_code is Exit.USAGE
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


# --- where it comes from --------------------------------------------------------------------------

#: A setting with a value for each source and what they are read as; the last is the default.
LADDER = [
    ("profile", "calcom", "guide", "calcom", "guide"),
    ("budget", "1.5", "2.5", "3.5", 30.0),
    ("seed", "1", "2", "3", None),
    ("strict", "true", "false", "true", False),
    ("target", f"{LOCAL}/1", f"{LOCAL}/2", f"{LOCAL}/3", None),
    ("probe", f"{LOCAL}/1", f"{LOCAL}/2", f"{LOCAL}/3", None),
    ("report", "one", "two", "three", None),
    ("rate", "1", "2", "3", 20.0),
]


def said(name, value):
    return getattr(settings.load(**{name: value}), name)


@pytest.mark.parametrize("rungs", LADDER, ids=lambda rungs: rungs[0])
def test_the_first_source_that_says_something_counts(rungs, folder, monkeypatch):
    name, option, variable, line, default = rungs
    assert getattr(settings.load(), name) == default
    write(folder, f'{name} = "{line}"\n')
    assert getattr(settings.load(), name) == said(name, line)
    monkeypatch.setenv(f"CALCONTRACT_{name.upper()}", variable)
    assert getattr(settings.load(), name) == said(name, variable)
    assert getattr(settings.load(**{name: option}), name) == said(name, option)


def test_an_option_that_was_not_given_hides_nothing(folder):
    write(folder, 'profile = "calcom"\n')
    assert settings.load(profile=None).profile == "calcom"


def test_every_setting_says_what_it_is():
    for name, field in Settings.model_fields.items():
        assert len(field.description) > 10, name


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        settings.load().profile = "calcom"


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "localhost:8000"}, "is no http or https URL"),
        ({"target": "ftp://127.0.0.1/x"}, "is no http or https URL"),
        ({"target": "http://"}, "is no http or https URL"),
        ({"target": "http://127.0.0.1:99999/"}, "has no port between 1 and 65535"),
        ({"target": "http://127.0.0.1:0/"}, "is no http or https URL"),
        ({"target": ""}, "is no http or https URL"),
        ({"probe": "probe"}, "is no http or https URL"),
        ({"states": "//x"}, "is no http or https URL"),
        ({"profile": "laravel"}, "choose guide or calcom"),
        ({"budget": 0}, "budget: it is to be more than 0;"),
        ({"budget": -1}, "budget: it is to be more than 0;"),
        ({"budget": "soon"}, "budget: it is to be a number;"),
        ({"budget": "nan"}, "budget: it is to be a number;"),
        ({"budget": "inf"}, "budget: it is to be a number;"),
        ({"budget": "-inf"}, "budget: it is to be a number;"),
        ({"budget": "1e308"}, "budget: it is to be 3600 at the most;"),
        ({"budget": "1e10"}, "budget: it is to be 3600 at the most;"),
        ({"patience": 0}, "patience: it is to be more than 0;"),
        ({"patience": "inf"}, "patience: it is to be a number;"),
        ({"patience": 1e10}, "patience: it is to be 3600 at the most;"),
        ({"rate": 0}, "rate: it is to be 0.01 or more;"),
        ({"rate": 1e-308}, "rate: it is to be 0.01 or more;"),
        ({"rate": "inf"}, "rate: it is to be a number;"),
        ({"rate": 1e10}, "rate: it is to be 2000 at the most;"),
        ({"seed": "x"}, "seed: it is to be a whole number;"),
        ({"seed": "1.5"}, "seed: it is to be a whole number;"),
        ({"seed": -1}, "seed: it is to be 0 or more;"),
        ({"seed": 2**53}, "seed: it is to be 9007199254740991 at the most;"),
        ({"seed": "9" * 5000}, "seed: it is to be a whole number of fewer digits;"),
        ({"strict": "perhaps"}, "strict: it is to be true or false;"),
        ({"target": f"{LOCAL}\n"}, "hook\\n' holds white space or a control character"),
        ({"target": f" {LOCAL}"}, "holds white space or a control character"),
        ({"probe": f"{LOCAL}\x1b[2K"}, "holds white space or a control character"),
        ({"target": "http://[::1/"}, "is no http or https URL"),
        ({"target": f"ftp://u:{SECRET}@host/x"}, "'ftp://host/x' is no http or https URL"),
        ({"target": f"http://u:{SECRET}@127.0.0.1:1/x"}, "cannot send to a URL with a login"),
        ({"target": f"http://u:{SECRET}/x@127.0.0.1:1/x"}, "has no port between 1 and 65535"),
        ({"target": f"http:/hook?key={SECRET}"}, "is no http or https URL"),
        ({"colour": "red"}, "no setting is called colour;"),
        ({"secret": SECRET, "secret_env": "NAME"}, "give it once"),
        ({"secret_env": "NAME", "secret_file": "file"}, "give it once"),
    ],
)
def test_a_bad_setting_is_one_sentence(options, words):
    sentence = complaint(**options)
    assert words in sentence
    assert SECRET not in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("profile = ", "cannot be read"),
        ("colour = 'red'\n", "no setting is called colour;"),
        ("bugdet = 5\n", "no setting is called bugdet, did you mean budget?"),
        ("[appointments]\nkeep = true\n", "called appointments.keep, did you mean kept?"),
        ("[statuses]\nrefused = [401]\n", "called statuses.refused, did you mean refuse?"),
        ("[statuses]\nbudget = 5\n", "no setting is called statuses.budget;"),
        ("budget = 'soon'\n", "budget"),
        ("[profile]\nname = 'guide'\n", "profile: it is to be text;"),
        ("[triggers]\nBOOKING_CREATED = 'x'\n", "triggers.BOOKING_CREATED: it is to be a list"),
        ("triggers = 'x'\n", "triggers: it is to be a table;"),
        ("appointments = 'x'\n", "appointments: it is to be a table;"),
        ("[appointments]\nkept = 'x'\n", "appointments.kept: it is to be true or false;"),
        ("[appointments]\nwords = 'x'\n", "appointments.words: it is to be a table;"),
        ("[statuses]\nrefuse = 400\n", "statuses.refuse: it is to be a list"),
        ("[statuses]\nrefuse = [99]\n", "statuses.refuse.0: it is to be 400 or more;"),
        ("[statuses]\nrefuse = [4.5]\n", "statuses.refuse.0: it is to be a whole number;"),
        ("secret_file = 3\n", "secret_file: it is to be the path of a file, as text;"),
    ],
)
def test_a_bad_file_is_one_sentence(text, words, folder):
    write(folder, text)
    assert words in complaint()


def test_a_file_that_is_no_text_is_one_sentence(folder):
    (folder / CONFIG_FILE).write_bytes(b"profile = '\xff'\n")
    assert "cannot be read" in complaint()


def test_several_faults_are_told_at_once():
    sentence = complaint(profile="x", budget=0)
    assert "profile" in sentence
    assert "budget" in sentence


# --- the secret -----------------------------------------------------------------------------------


def test_a_secret_comes_from_the_variable_that_is_named(monkeypatch):
    monkeypatch.setenv("NAME", SECRET)
    assert settings.load(secret_env="NAME").shared_secret() == SECRET


@pytest.mark.parametrize(
    ("text", "secret"),
    [(SECRET, SECRET), (f"{SECRET}\n", SECRET), (f"{SECRET}\n\n", f"{SECRET}\n"), (" a ", " a ")],
)
def test_a_secret_comes_from_a_file_without_the_editors_line_end(text, secret, folder):
    (folder / "secret").write_text(text)
    assert settings.load(secret_file="secret").shared_secret() == secret


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no secret is given"),
        ({"secret_env": "NOT_SET"}, "the environment variable NOT_SET holds no secret"),
        ({"secret_env": "EMPTY"}, "the environment variable EMPTY holds no secret"),
        ({"secret_file": "missing"}, "'missing' cannot be read: No such file or directory;"),
        ({"secret_file": "."}, "'.' cannot be read: Is a directory;"),
        ({"secret_file": "empty"}, "the file empty holds no secret"),
        ({"secret_file": "binary"}, "'binary' cannot be read: it is not UTF-8 text;"),
        ({"secret": ""}, "--secret holds no secret"),
        ({"secret": " \t"}, "--secret holds no secret"),
        ({"secret": "s" * 5000}, "--secret holds 5,000 characters, which are no secret"),
    ],
)
def test_a_secret_that_is_missing_is_one_sentence(options, words, folder, monkeypatch):
    monkeypatch.setenv("EMPTY", "")
    (folder / "empty").write_text("\n")
    (folder / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError) as caught:
        settings.load(**options).shared_secret()
    assert words in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("option", "read"),
    [
        ({"secret": "of-the-option"}, "of-the-option"),
        ({"secret_file": "file"}, "of-the-file"),
        ({"secret_env": "NAME"}, "of-the-variable"),
        ({}, "of-the-environment"),
    ],
)
def test_a_secret_named_by_an_option_hides_those_of_the_environment_and_the_file(
    option, read, folder, monkeypatch
):
    monkeypatch.setenv("NAME", "of-the-variable")
    monkeypatch.setenv("OTHER", "of-the-environment")
    monkeypatch.setenv("CALCONTRACT_SECRET_ENV", "OTHER")
    (folder / "file").write_text("of-the-file")
    write(folder, "secret_file = 'nowhere'\n")
    assert settings.load(**option).shared_secret() == read


def test_a_secret_is_never_shown():
    told = settings.load(secret=SECRET, target=LOCAL)
    assert told.shared_secret() == SECRET
    shown = (repr(told), str(told), f"{told}", str(told.model_dump()), told.model_dump_json())
    assert not [text for text in shown if SECRET in text]
    assert SECRET not in " ".join(told.words())
    assert SECRET.encode() in pickle.dumps(told), "or this test would prove nothing"


@pytest.mark.parametrize(
    "options", [{"secret": SECRET, "profile": "x"}, {"secret": SECRET, "x": 1}]
)
def test_a_secret_is_not_told_along_with_another_fault(options):
    assert SECRET not in complaint(**options)


def test_a_secret_of_the_environment_is_not_told_either(monkeypatch):
    monkeypatch.setenv("CALCONTRACT_SECRET", SECRET)
    monkeypatch.setenv("CALCONTRACT_BUDGET", "soon")
    assert SECRET not in complaint()


# --- strangers' machines --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_this_machine_may_be_tested(host):
    settings.load(target=f"http://{host}:8000/hook").permit()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "https://hooks.example/x"}, "--i-may-test hooks.example"),
        ({"target": "https://hooks.example/x", "i_may_test": "other.example"}, "--i-may-test"),
        ({"target": "http://hooks.example/x", "i_may_test": "hooks.example"}, "--insecure-http"),
        # Not this machine, whatever it looks like.
        ({"target": "https://127.0.0.1.example/x"}, "--i-may-test"),
        ({"target": "https://localhost@hooks.example/x"}, "a URL with a login"),
    ],
)
def test_a_strangers_machine_may_not(options, words):
    with pytest.raises(UsageError) as caught:
        settings.load(**options).permit()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"target": "https://hooks.example/x", "i_may_test": "hooks.example"},
        {
            "target": "http://hooks.example/x",
            "i_may_test": "hooks.example",
            "insecure_http": True,
        },
    ],
)
def test_another_machine_may_be_tested_by_those_who_say_so(options):
    settings.load(**options).permit()


# --- the words that say the same ------------------------------------------------------------------


def test_the_words_name_what_a_repetition_needs():
    told = settings.load(
        target=LOCAL,
        secret_env="NAME",
        probe=f"{LOCAL}/probe",
        states=f"{LOCAL}/states",
        budget=2,
        strict=True,
        profile="calcom",
    )
    assert told.words() == [
        *(LOCAL, "--secret-env", "NAME", "--profile", "calcom"),
        *("--probe", f"{LOCAL}/probe", "--states", f"{LOCAL}/states", "--budget", "2", "--strict"),
    ]


def test_a_secret_that_was_told_is_asked_for_by_a_variable():
    told = settings.load(target=LOCAL, secret=SECRET)
    assert told.words() == [LOCAL, "--secret-env", "SECRET", "--profile", "guide"]


def test_the_words_show_no_secret_and_leave_the_place_of_the_shared_one(monkeypatch):
    monkeypatch.setenv("MINE", "s3cret zebra")
    told = settings.load(
        target=f"{LOCAL}?key=s3cret%20zebra",
        secret_env="MINE",
        start="env 'A=s3cret zebra' serve --token=another",
        probe="http://u:p4ssw0rd@127.0.0.1/probe?token=abc",
        profile="calcom",
    )
    assert told.words() == [
        *(f"{LOCAL}?key=***", "--secret-env", "MINE", "--profile", "calcom"),
        *("--probe", "http://u:***@127.0.0.1/probe?token=***"),
        *("--start", f"env 'A={records.SECRET}' serve --token=***"),
    ]


def test_the_secrets_of_the_receiver_are_known_from_the_start(monkeypatch):
    monkeypatch.setenv("NEW", "the-new-one")
    monkeypatch.setenv("OLD", "the-old-one")
    settings.load(receiver_secret_env="NEW", receiver_previous_env="OLD")
    assert MASK.hidden("the-new-one and the-old-one") == "*** and ***"


def test_a_secret_that_can_be_read_once_is_not_read_before_it_is_asked_for(folder):
    os.mkfifo("pipe")
    told = settings.load(secret_file="pipe")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        written = pool.submit((folder / "pipe").write_text, "s3cret-of-a-pipe")
        assert told.shared_secret() == "s3cret-of-a-pipe"
        written.result()
    assert MASK.hidden("s3cret-of-a-pipe") == "***"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("CALCONTRACT_BUGDET", "did you mean CALCONTRACT_BUDGET?"),
        # What all of them begin with makes none like another.
        ("CALCONTRACT_QWXZ", "take it out of the environment"),
    ],
)
def test_a_variable_that_nobody_reads_is_an_error_that_names_the_nearest(monkeypatch, name, hint):
    monkeypatch.setenv(name, "3")
    assert complaint() == f"no setting is called {name}; {hint}"


def test_the_variables_of_the_load_test_are_its_own(monkeypatch):
    monkeypatch.setenv("CALCONTRACT_LOAD_RATE", "3")

    assert settings.load().target is None


def test_provider_states_without_a_probe_are_refused():
    with pytest.raises(UsageError, match="without a probe"):
        settings.load(target="http://127.0.0.1/", states="http://127.0.0.1/states")


# --- secrets of the receiver's own, and its log ---------------------------------------------------


@pytest.mark.parametrize("name", ["receiver_secret_env", "receiver_previous_env"])
def test_a_variable_of_the_receivers_is_named_and_never_a_secret(name):
    said = complaint(**{"receiver_secret_env": "MINE", name: "correct horse battery"})
    assert "never a secret" in said
    assert "horse" not in said


def test_a_retired_secret_needs_a_new_one():
    assert "--receiver-secret-env" in complaint(receiver_previous_env="OLD")


def test_what_the_receiver_was_told_of_is_repeated():
    told = settings.load(
        target=LOCAL,
        secret_env="MINE",
        start="serve",
        receiver_secret_env="A",
        receiver_previous_env="B",
        log="-",
    )
    words = told.words()
    for pair in (("--receiver-secret-env", "A"), ("--receiver-previous-env", "B"), ("--log", "-")):
        assert words[words.index(pair[0]) + 1] == pair[1]


PLACED = "http://127.0.0.1:{port}/hook"


def test_the_suite_may_choose_the_port_of_what_it_starts():
    told = settings.load(target=PLACED, start="serve --port {port} --db {port}.db", probe=PLACED)
    assert told.is_apiece
    assert told.is_local
    assert told.at(7) == {
        "target": "http://127.0.0.1:7/hook",
        "probe": "http://127.0.0.1:7/hook",
        "start": "serve --port 7 --db 7.db",
    }


def test_without_a_target_each_process_may_have_one_and_with_a_port_they_share_it():
    assert settings.load().is_apiece
    shared = settings.load(target=LOCAL, start="serve --port 8000")
    assert not shared.is_apiece
    assert shared.at(7) == {}


@pytest.mark.parametrize(
    "told",
    [
        {"target": PLACED},
        {"target": PLACED, "start": "serve --port 8000"},
        {"target": LOCAL, "start": "serve --port {port}"},
        {"target": LOCAL, "probe": PLACED},
        {"target": LOCAL, "log": "{port}.log"},
    ],
)
def test_a_port_to_choose_has_to_stand_where_it_is_listened_on_and_where_it_is_asked_for(told):
    assert "it has to stand in the URL and in --start" in complaint(**told)


def test_a_port_to_choose_makes_no_other_url_good():
    assert "is no http or https URL" in complaint(target="ftp://127.0.0.1:{port}/", start="{port}")


def test_what_is_to_be_repeated_names_no_port_that_was_chosen_and_no_receiver_of_ours():
    told = settings.load(target=PLACED, start="serve --port {port}", secret_env="MINE")
    assert told.words()[:3] == [PLACED, "--secret-env", "MINE"]
    assert "serve --port {port}" in told.words()
    assert settings.load(profile="calcom").words() == ["--profile", "calcom"]
