"""The whole application on a port of its own, and a real browser to look at it.

Fixtures; a conftest.py imports the ones its tests want.
"""

import shutil
import socket
import threading

import pytest
import uvicorn
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.db import connection
from django.test import Client
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
WAIT_SECONDS = 15


class Site:
    """The application under uvicorn, in a thread; it can stop and come back."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"

    def start(self):
        from config.asgi import application  # wires the app up, so only when needed

        config = uvicorn.Config(
            ASGIStaticFilesHandler(application),
            port=self.port,
            ws="websockets-sansio",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, name="site")
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive(), "The server did not start."
            self.thread.join(0.02)

    def stop(self):
        self.server.should_exit = True
        self.thread.join()


class Browser:
    """Chromium, with the few verbs that tests need."""

    def __init__(self, driver, site):
        self.driver = driver
        self.site = site

    def sign_in(self, user):
        """Bring along the cookie of a session; a cookie needs a page to belong to."""
        client = Client()
        client.force_login(user)
        self.driver.get(f"{self.site.url}/sign-in/")
        name = settings.SESSION_COOKIE_NAME
        self.driver.add_cookie(
            {"name": name, "value": client.cookies[name].value, "path": "/"}
        )

    def open(self, path):
        self.driver.get(self.site.url + path)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def texts(self, selector):
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(node => node.checkVisibility()).map(node => node.innerText)"
        )
        return self.driver.execute_script(script, selector)

    def click(self, selector):
        # In one script: the picture moves on, and elements with it.
        script = (
            "const node = document.querySelector(arguments[0]);"
            "if (node) node.click(); return node !== null"
        )
        self.wait_for(lambda: self.driver.execute_script(script, selector), selector)

    def wait_for(self, condition, message=""):
        wait = WebDriverWait(self.driver, WAIT_SECONDS, 0.1)
        return wait.until(lambda driver: condition(), message)

    def wait_for_text(self, selector, text):
        self.wait_for(
            lambda: any(text in shown for shown in self.texts(selector)),
            f"{text!r} did not appear in {selector}",
        )

    def complaints(self):
        """Return what the browser wrote into its console as errors so far."""
        log = self.driver.get_log("browser")
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]


@pytest.fixture
def site(transactional_db):
    site = Site()
    site.start()
    yield site
    site.stop()
    hang_up()


def hang_up():
    """End what the site's threads left open, or the test database cannot be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(site, chromium):
    # All of them: delete_all_cookies() would keep those of other pages than this one.
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.get_log("browser")
    yield Browser(chromium, site)
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.get("about:blank")
