"""The dashboard as a person sees it: a real receiver in a real browser."""

import contextlib
import re
import signal
import urllib.parse

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from tests.unit.reference_impl import browser
from tests.unit.reference_impl.bodies import a_body
from tests.unit.reference_impl.process import Process, command

missing = browser.missing()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing), reason=f"no browser to look with: there is no {missing}"),
]

PASSWORD = "a-password-of-the-browser's-tests"
NASTY = (
    "<script>document.title='owned'</script>\"'><img src=//elsewhere.example/x onerror=alert(1)>"
)
LETTER = {"startTime": "soon", "title": NASTY, "bookingId": 4711}
DESKTOP, PHONE = 1280, 390


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    """A receiver with a booking that went well and dead letters, some of hostile names."""
    process = Process(
        tmp_path_factory.mktemp("receiver"), "--testing", RECEIVER_ADMIN_PASSWORD=PASSWORD
    )
    uids = ["fine", "to-replay", "to-discard", "to-send-twice", "to-leave", NASTY, "u" * 190]
    assert process.deliver(a_body(uid="fine")) == 202
    for number, uid in enumerate(uids[1:]):
        assert process.deliver(a_body(uid=uid, minute=number, **LETTER)) == 202
    assert process.deliver(a_body(trigger=NASTY, uid="of-a-nasty-trigger")) == 202
    process.settled(*uids, "of-a-nasty-trigger")
    yield process
    process.end(signal.SIGTERM)


@pytest.fixture
def look(receiver, tmp_path):
    """Open a browser of a width, logged in, at the overview."""
    with contextlib.ExitStack() as opened:

        def at(width=DESKTOP):
            driver = opened.enter_context(browser.chromium(tmp_path / f"profile-{width}", width))
            pair = f"admin:{urllib.parse.quote(PASSWORD)}@"
            driver.get(f"{receiver.origin.replace('//', '//' + pair)}/admin/webhooks")
            # Without the password in the address, as it is after a person has typed it.
            driver.get(f"{receiver.origin}/admin/webhooks")
            return driver

        yield at


def click(driver, element):
    """Click *element*, and wait until another page has taken the place of this one."""
    page = driver.find_element(By.TAG_NAME, "html")
    element.click()
    # A page that is just being left may be neither here nor gone, which the driver calls unknown.
    WebDriverWait(driver, 30, ignored_exceptions=[WebDriverException]).until(staleness_of(page))


def search(driver, words):
    field = driver.find_element(By.NAME, "booking")
    field.clear()
    field.send_keys(words)
    press(driver, "Search")


def open_event(driver, uid):
    """Search for the booking *uid*, and open the one delivery about it."""
    search(driver, uid)
    click(driver, driver.find_element(By.CSS_SELECTOR, "[data-name='No.'] a"))


def press(driver, words):
    named = f"//*[self::a or self::button][starts-with(., '{words}')]"
    click(driver, driver.find_element(By.XPATH, named))


def state(driver):
    return driver.find_element(By.CSS_SELECTOR, "h1 .state").text


def test_without_the_password_there_is_nothing_to_see(receiver, tmp_path):
    with browser.chromium(tmp_path / "profile", DESKTOP) as driver:
        driver.get(f"{receiver.origin}/admin/webhooks")
        assert "Overview" not in driver.page_source
        assert receiver.request(f"{receiver.origin}/admin/webhooks")[0] == 401


@pytest.mark.parametrize(
    ("uid", "action", "after"),
    [("to-replay", "Replay", {"waiting", "dead"}), ("to-discard", "Discard", {"discarded"})],
)
def test_a_dead_letter_is_searched_opened_and_handled_after_asking(look, uid, action, after):
    driver = look()
    open_event(driver, uid)
    assert state(driver) == "dead"
    press(driver, action)
    assert driver.find_element(By.TAG_NAME, "h1").text.startswith(f"{action} delivery")
    press(driver, "Leave it")
    assert state(driver) == "dead"
    press(driver, action)
    press(driver, action)
    assert state(driver) in after
    # Done once, it is not done again by a reload of the page that followed.
    driver.refresh()
    assert state(driver) in {*after, "processing"}


def test_a_form_that_is_sent_twice_does_it_once(look):
    driver = look()
    open_event(driver, "to-send-twice")
    press(driver, "Replay")
    asked, first = driver.current_url, driver.current_window_handle
    # The same form once more, as after a double click whose both halves arrive.
    driver.switch_to.new_window("tab")
    driver.get(asked)
    for tab in (driver.current_window_handle, first):
        driver.switch_to.window(tab)
        press(driver, "Replay")
        assert driver.find_element(By.TAG_NAME, "h1").text.startswith("Delivery")
    history = driver.find_element(By.CLASS_NAME, "history").text
    assert history.count("replayed") == 1


def test_what_was_pruned_says_why_it_is_not_replayed(look, receiver):
    driver = look()
    open_event(driver, "fine")
    press(driver, "Replay")
    assert command(receiver.log.parent, "prune", "--older-than", "0", "--yes").returncode == 0
    press(driver, "Replay")
    why = "its payload was pruned since, so it cannot be replayed"
    assert why in driver.find_element(By.TAG_NAME, "main").text
    open_event(driver, "fine")
    assert why in driver.find_element(By.TAG_NAME, "main").text
    assert driver.find_elements(By.CLASS_NAME, "button") == []


def test_a_form_with_a_wrong_token_does_nothing(look):
    driver = look()
    open_event(driver, "to-leave")
    press(driver, "Discard")
    token = driver.find_element(By.NAME, "token")
    driver.execute_script("arguments[0].value = 'f'.repeat(64)", token)
    press(driver, "Discard")
    assert "not ours" in driver.find_element(By.TAG_NAME, "main").text
    open_event(driver, "to-leave")
    assert state(driver) == "dead"


def test_what_a_sender_chose_is_shown_and_does_nothing(look, receiver):
    driver = look()
    assert NASTY in driver.find_element(By.TAG_NAME, "main").text
    search(driver, NASTY)
    assert NASTY in driver.find_element(By.TAG_NAME, "h1").text
    assert driver.find_element(By.NAME, "booking").get_attribute("value") == NASTY
    click(driver, driver.find_element(By.CSS_SELECTOR, "[data-name='No.'] a"))
    driver.find_element(By.TAG_NAME, "summary").click()
    assert "onerror=alert(1)" in driver.find_element(By.TAG_NAME, "pre").text
    assert "owned" not in driver.title
    assert driver.find_elements(By.CSS_SELECTOR, "script, img") == []
    # Neither the pages nor what stands in them asked for anything but the pages.
    assert browser.asked_hosts(driver) == {urllib.parse.urlsplit(receiver.origin).netloc}


def test_what_the_policy_forbids_the_browser_does_not_do(look):
    driver = look()
    driver.execute_script(
        """
        const script = document.createElement("script");
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
        const image = document.createElement("img");
        image.src = "http://127.0.0.1:9/x";
        document.body.append(image);
        """
    )
    assert driver.title != "owned"
    refused = " ".join(entry["message"] for entry in driver.get_log("browser"))
    assert "Content Security Policy" in refused


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_no_page_is_wider_than_its_window(look, width):
    driver = look(width)
    home = driver.current_url
    long = urllib.parse.quote("u" * 190)
    pages = ["", "?live", f"?booking={long}", f"?booking={urllib.parse.quote(NASTY)}", "/999"]
    driver.get(f"{home}?booking={long}")
    number = driver.find_element(By.CSS_SELECTOR, "[data-name='No.'] a").text
    for page in [*pages, f"/{number}", f"/{number}/replay", f"/{number}/discard"]:
        driver.get(home + page)
        for summary in driver.find_elements(By.TAG_NAME, "summary"):
            summary.click()
        wide = driver.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, page


def test_on_a_phone_nothing_has_to_be_pushed_aside_to_be_read(look):
    driver = look(PHONE)
    hidden = driver.execute_script(
        "return [...document.querySelectorAll('.wide')].some(e => e.scrollWidth > e.clientWidth)"
    )
    assert not hidden


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_controls_have_contrast(look, scheme):
    driver = look()
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    style = driver.execute_script(
        """
        const of = getComputedStyle(document.documentElement);
        return Object.fromEntries(["text", "page", "soft", "dim", "bad", "link", "edge"].map(
            name => [name, of.getPropertyValue("--" + name).trim()]));
        """
    )
    for name in ("text", "dim", "bad", "link"):
        assert contrast(style[name], style["page"]) >= 4.5, name
    for name in ("text", "dim"):
        assert contrast(style[name], style["soft"]) >= 4.5, name
    assert contrast(style["edge"], style["page"]) >= 3


def test_the_live_page_shows_by_itself_what_comes(look, receiver):
    driver = look()
    press(driver, "refresh")
    assert "came-later" not in driver.page_source
    assert receiver.deliver(a_body(uid="came-later", minute=30, **LETTER)) == 202
    WebDriverWait(driver, 30).until(lambda _: "came-later" in driver.page_source)


def contrast(one, other):
    """The contrast of two colours as WCAG 2 defines it, from 1 to 21."""
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour):
    """How light a colour is, written #rgb or #rrggbb."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = re.sub("(.)", r"\1\1", digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
