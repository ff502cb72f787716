import pytest
import requests
import responses
from click.testing import CliRunner
from responses import matchers

from reference_impl import subscriptions
from reference_impl.commands import application
from reference_impl.subscriptions import WANTED
from tests.unit.reference_impl.bodies import SECRET

API = "https://api.cal.example/v2"
URL = "https://receiver.example/api/webhooks/calcom"
KEY = "cal_live_of_the_unit_tests"


def a_subscription(**changes):
    """A subscription as the API tells it: right unless spoiled by keyword."""
    return {
        "id": "2f6a1c3e-9b8d-4a7c-8e5f-0d1c2b3a4f5e",
        "subscriberUrl": URL,
        "active": True,
        "triggers": sorted(WANTED),
        "payloadTemplate": None,
        "secret": SECRET,
        "userId": 4711,
        **changes,
    }


def a_list(*subscriptions_):
    return {"status": "success", "data": list(subscriptions_)}


@pytest.fixture
def verify(monkeypatch):
    monkeypatch.setenv("CALCOM_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("CALCOM_API_KEY", KEY)
    monkeypatch.setenv("CALCOM_API_URL", API)
    monkeypatch.setenv("RECEIVER_PUBLIC_URL", URL)

    def invoke(*arguments):
        return CliRunner().invoke(application, ["verify-webhooks", *arguments])

    return invoke


@pytest.fixture
def api():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def graded(outcome, grade):
    lines = outcome.stdout.splitlines()
    return [line.removeprefix(grade).strip() for line in lines if line.startswith(grade)]


def test_a_subscription_in_order_is_said_to_be(verify, api):
    headers = {"Authorization": f"Bearer {KEY}", "cal-api-version": "2024-08-13"}
    asked = [
        matchers.header_matcher(headers),
        matchers.query_param_matcher({"take": "250", "skip": "0"}),
    ]
    api.get(f"{API}/webhooks", json=a_list(a_subscription()), match=asked)
    outcome = verify()
    assert outcome.exit_code == 0
    assert len(graded(outcome, "ok")) == 6
    assert graded(outcome, "wrong") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"active": False}, "it is not active"),
        ({"secret": None}, "it has no secret"),
        ({"secret": ""}, "it has no secret"),
        ({"secret": "somebody-elses"}, "it has another secret"),
        ({"secret": f"{SECRET} "}, "it has another secret"),
        ({"secret": "zoë\udcff"}, "it has another secret"),
        ({"triggers": ["BOOKING_CREATED"]}, "triggers are missing: BOOKING_CANCELLED"),
        ({"triggers": []}, "triggers are missing"),
        ({"subscriberUrl": "https://else.example/x"}, "no subscription delivers to the URL"),
        ({"subscriberUrl": URL + "/"}, f"but to {URL}/"),
        ({"subscriberUrl": URL.replace("https", "http")}, "but to http://"),
        ({"subscriberUrl": "https://old.example/api/webhooks/calcom"}, "one does to https://old."),
        ({"payloadTemplate": "Hello {{title}}"}, "is not JSON"),
        ({"payloadTemplate": '{"a":{{x}}}'}, "is not JSON"),
        ({"payloadTemplate": "{{title}}"}, "has no triggerEvent"),
        ({"payloadTemplate": '{"t":"{{title}}"}'}, "has no triggerEvent"),
        ({"payloadTemplate": '{"triggerEvent":"{{triggerEvent}}"}'}, "has no payload"),
        (
            {"payloadTemplate": '{"triggerEvent":"{{triggerEvent}}","payload":{"t":"{{title}}"}}'},
            "names no booking",
        ),
        (
            {"payloadTemplate": '{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"{{uid}}"}}'},
            "names one trigger whatever happens",
        ),
    ],
)
def test_what_is_wrong_with_it_is_said(verify, api, changes, words):
    api.get(f"{API}/webhooks", json=a_list(a_subscription(**changes)))
    outcome = verify()
    assert outcome.exit_code == 1
    assert len(graded(outcome, "wrong")) == 1
    assert words in graded(outcome, "wrong")[0]


def test_a_template_that_keeps_the_envelope_is_a_note(verify, api):
    template = (
        '{"triggerEvent":"{{triggerEvent}}","payload":{"uid":"{{{uid}}}","n":{{bookingId}} }}'
    )
    api.get(f"{API}/webhooks", json=a_list(a_subscription(payloadTemplate=template)))
    outcome = verify()
    assert outcome.exit_code == 0
    assert "quotation marks" in graded(outcome, "note")[0]


def test_superfluous_triggers_are_a_note(verify, api):
    more = a_subscription(triggers=[*WANTED, "RECORDING_READY", "X\x1b[2J"])
    api.get(f"{API}/webhooks", json=a_list(more))
    outcome = verify()
    assert outcome.exit_code == 0
    assert "RECORDING_READY, X?[2J" in graded(outcome, "note")[0]


def test_a_rotation_that_is_not_finished_is_said(verify, api, monkeypatch):
    monkeypatch.setenv("CALCOM_WEBHOOK_SECRET_PREVIOUS", "the-old-one")
    api.get(f"{API}/webhooks", json=a_list(a_subscription(secret="the-old-one")))
    outcome = verify()
    assert outcome.exit_code == 1
    assert "it still has the previous secret" in outcome.stdout


def test_an_address_in_cal_com_that_is_none_is_told_and_not_stumbled_over(verify, api):
    api.get(f"{API}/webhooks", json=a_list(a_subscription(subscriberUrl="https://[::1")))
    outcome = verify()
    assert outcome.exit_code == 1
    assert "no subscription delivers to the URL, among 1" in outcome.stdout


def test_a_key_that_no_header_can_carry_is_said(verify, monkeypatch):
    monkeypatch.setenv("CALCOM_API_KEY", "cal_\nlive")
    outcome = verify()
    assert outcome.exit_code == 2
    assert "CALCOM_API_KEY holds characters" in outcome.stderr


def test_plain_http_is_wrong(verify, api):
    plain = URL.replace("https", "http")
    api.get(f"{API}/webhooks", json=a_list(a_subscription(subscriberUrl=plain)))
    outcome = verify("--url", plain)
    assert outcome.exit_code == 1
    assert graded(outcome, "wrong") == ["the URL is not https: deliveries travel in the clear"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (URL.replace(".example", ".example:443"), URL),
        (URL, URL.replace(".example", ".example:443")),
        (URL.replace("receiver", "Receiver").replace("https", "HTTPS"), URL),
        ("https://receiver.example", "https://receiver.example/"),
    ],
)
def test_spellings_of_one_destination_are_one_destination(verify, api, given, wanted):
    api.get(f"{API}/webhooks", json=a_list(a_subscription(subscriberUrl=given)))
    outcome = verify("--url", wanted)
    assert (outcome.exit_code, graded(outcome, "wrong")) == (0, [])


@pytest.mark.parametrize(
    "given", [URL.replace(".example", ".example:444"), URL.upper(), f"{URL}?x=1", f"{URL}/"]
)
def test_other_destinations_are_others(verify, api, given):
    api.get(f"{API}/webhooks", json=a_list(a_subscription(subscriberUrl=given)))
    assert verify().exit_code == 1


@pytest.mark.parametrize("url", [URL, "https://else.example/x", URL.replace("receiver", "old")])
def test_what_opens_doors_in_a_url_is_not_shown(verify, api, url):
    theirs = url.replace("https://", "https://user:hunter2@") + "?token=hunter2#hunter2"
    api.get(f"{API}/webhooks", json=a_list(a_subscription(subscriberUrl=theirs)))
    for wanted in (URL, theirs):
        outcome = verify("--url", wanted)
        assert "hunter2" not in outcome.output
        assert outcome.exit_code == (0 if wanted == theirs else 1)


def test_two_subscriptions_for_one_url_are_wrong(verify, api):
    api.get(f"{API}/webhooks", json=a_list(a_subscription(), a_subscription(id="other")))
    outcome = verify()
    assert outcome.exit_code == 1
    assert "2 subscriptions deliver here" in graded(outcome, "wrong")[0]


def test_the_secret_is_compared_in_constant_time(verify, api, monkeypatch):
    compared = []
    honest = subscriptions.hmac.compare_digest
    monkeypatch.setattr(
        subscriptions.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or honest(a, b)
    )
    api.get(f"{API}/webhooks", json=a_list(a_subscription()))
    assert verify().exit_code == 0
    assert (SECRET.encode(), SECRET.encode()) in compared


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["--event-type", "7"], "/event-types/7/webhooks"),
        (["--event-type", "7", "--team", "3"], "/teams/3/event-types/7/webhooks"),
        (["--organization", "5"], "/organizations/5/webhooks"),
    ],
)
def test_other_scopes_are_asked_where_they_live(verify, api, arguments, path):
    api.get(API + path, json=a_list(a_subscription()))
    assert verify(*arguments).exit_code == 0


def test_every_page_is_read(verify, api):
    others = [a_subscription(id=f"n{n}", subscriberUrl=f"https://{n}.example") for n in range(250)]
    for skip, page in ((0, others), (250, [a_subscription()])):
        asked = [matchers.query_param_matcher({"take": "250", "skip": str(skip)})]
        api.get(f"{API}/webhooks", json=a_list(*page), match=asked)
    assert verify().exit_code == 0


def test_an_api_that_knows_no_pages_is_not_asked_for_ever(verify, api):
    api.get(f"{API}/webhooks", json=a_list(*(a_subscription(id=str(n)) for n in range(250))))
    outcome = verify()
    assert outcome.exit_code == 3
    assert "the same page again and again" in outcome.stderr
    assert len(api.calls) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 401, "json": {"status": "error"}}, "refuses the key (401)"),
        ({"status": 403}, "(403)"),
        ({"status": 404}, "(404)"),
        ({"status": 429, "headers": {"Retry-After": "17"}}, "try again in 17 seconds"),
        ({"status": 429, "headers": {"Retry-After": "soon"}}, "try again in a minute"),
        ({"status": 429}, "try again in a minute"),
        ({"status": 500}, "the API fails (500)"),
        ({"status": 503, "body": "<html>"}, "the API fails (503)"),
        ({"status": 302, "headers": {"Location": "https://else.example"}}, "(302)"),
        ({"body": requests.ConnectionError(KEY)}, "cannot be reached (ConnectionError)"),
        ({"body": requests.Timeout()}, "cannot be reached (Timeout)"),
        ({"body": "<html>"}, "is not JSON"),
        ({"json": []}, "is not a success"),
        ({"json": {"status": "error"}}, "is not a success"),
        ({"json": {"status": "success"}}, "no list of subscriptions"),
        ({"json": {"status": "success", "data": {}}}, "no list of subscriptions"),
        ({"json": a_list("x")}, "no subscription"),
        ({"json": a_list(a_subscription(active="yes"))}, "cannot be read: 2f6a"),
        ({"json": a_list(a_subscription(triggers=None))}, "cannot be read: 2f6a"),
        ({"json": a_list(a_subscription(triggers=[1]))}, "cannot be read: 2f6a"),
        ({"json": a_list(a_subscription(id=None))}, "cannot be read: no id"),
        ({"json": a_list({})}, "cannot be read: no id"),
    ],
)
def test_an_api_that_gives_no_answer_is_an_exit_code_of_its_own(verify, api, answer, words):
    api.get(f"{API}/webhooks", **answer)
    outcome = verify()
    assert outcome.exit_code == 3
    assert words in outcome.stderr
    assert "Traceback" not in outcome.output
    assert len(api.calls) == 1


@pytest.mark.parametrize(
    ("changes", "arguments", "words"),
    [
        ({"CALCOM_API_KEY": " "}, [], "CALCOM_API_KEY is not set"),
        ({"RECEIVER_PUBLIC_URL": ""}, [], "RECEIVER_PUBLIC_URL"),
        ({"CALCOM_WEBHOOK_SECRET": ""}, [], "CALCOM_WEBHOOK_SECRET is not set"),
        ({"CALCOM_API_URL": "http://api.cal.example/v2"}, [], "must start with https://"),
        ({"CALCOM_API_URL": "nonsense"}, [], "must start with https://"),
        ({"CALCOM_API_URL": "https://[::1"}, [], "CALCOM_API_URL must be a URL"),
        *(
            ({"CALCOM_API_URL": f"https://{rest}"}, [], "CALCOM_API_URL must be a URL")
            for rest in ("", "/v2", "api.cal.example:x/v2", "api.cal.example/v2?key=1")
        ),
        ({}, ["--url", "nonsense"], "must be one, as https://"),
        ({}, ["--url", "https://[::1"], "must be one, as https://"),
        ({}, ["--team", "3"], "--event-type"),
        ({}, ["--organization", "3", "--event-type", "7"], "--event-type"),
        ({}, ["--team", "x"], "--team"),
    ],
)
def test_used_wrongly_nothing_is_asked(  # noqa: PLR0917 - three of them are fixtures
    verify, api, monkeypatch, changes, arguments, words
):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    outcome = verify(*arguments)
    assert outcome.exit_code == 2
    assert words in outcome.stderr
    assert not api.calls


def test_neither_key_nor_secrets_are_ever_shown(verify, api, monkeypatch):
    monkeypatch.setenv("CALCOM_WEBHOOK_SECRET_PREVIOUS", "the-old-one")
    for secret in (SECRET, "the-old-one", "somebody-elses", None):
        api.get(f"{API}/webhooks", json=a_list(a_subscription(secret=secret)))
        api.get(f"{API}/webhooks", status=401, json={"message": KEY})
        for _ in range(2):
            outcome = verify()
            shown = outcome.output + repr(outcome.exception)
            for hidden in (KEY, SECRET, "the-old-one", "somebody-elses"):
                assert hidden not in shown


def test_a_self_hosted_api_on_this_machine_may_be_plain(verify, api, monkeypatch):
    monkeypatch.setenv("CALCOM_API_URL", "http://127.0.0.1:3003/v2/")
    api.get("http://127.0.0.1:3003/v2/webhooks", json=a_list(a_subscription()))
    assert verify().exit_code == 0
