"""Debian's Chromium, driven through its own chromedriver: nothing is downloaded."""

import contextlib
import json
import shutil
import urllib.parse

_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The shared memory of a container is small.
    "--disable-dev-shm-usage",
)


def missing():
    """What is not installed here, or nothing."""
    programs = ("chromium", "chromedriver")
    return " and ".join(name for name in programs if shutil.which(name) is None)


@contextlib.contextmanager
def chromium(profile, width):
    """A browser with the empty folder *profile* and a window of that *width*."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield driver
    finally:
        driver.quit()


def asked_hosts(driver):
    """The hosts that anything was asked of since this was last looked at."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    urls = (
        urllib.parse.urlsplit(message["params"]["request"]["url"])
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    )
    # The browser's own first page is made of its own parts.
    return {url.netloc.rpartition("@")[2] for url in urls if url.scheme in {"http", "https"}}
