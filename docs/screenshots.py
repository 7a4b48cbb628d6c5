"""Takes the pictures of these pages from a running server, with headless Chromium.

.venv/bin/python docs/screenshots.py http://127.0.0.1:8000 E-MAIL PASSWORD [NAME ...]
"""

import shutil
import sys
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

IMAGES = Path(__file__).parent / "images"
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)


def closer(driver):
    """Look near enough at the map to see the posts' seconds."""
    click(driver, ".leaflet-control-zoom-in")
    time.sleep(1)


def what_if(driver):
    """Put a police car somewhere else, to the right of the map's middle."""
    click(driver, "#whatif")
    until(driver, "#whatif-cars li.police")
    answered(driver)
    click(driver, "#whatif-cars li.police button")
    chain = ActionChains(driver)
    chain.move_to_element_with_offset(driver.find_element(By.ID, "map"), 60, 20)
    chain.click().perform()
    until(driver, "#whatif-order[disabled]")  # the car stands where it is not
    answered(driver)


def closing(driver):
    """Ask whether every way out can be closed."""
    click(driver, "#whatif")
    until(driver, "#whatif-cars li.police")
    click(driver, "[data-whatif=close]")
    answered(driver)


def group(driver):
    """Open the first group of the chat's demo."""
    click(driver, "[data-room^='group ']")
    until(driver, "#messages .text")
    time.sleep(1)


def answered(driver):
    until(driver, "#whatif-panel[aria-busy=false] .bound")
    script = "return !document.querySelector('#whatif-panel').innerText.includes('…')"
    WebDriverWait(driver, 20).until(lambda driver: driver.execute_script(script))
    time.sleep(1)  # drawn


def click(driver, selector):
    driver.execute_script("document.querySelector(arguments[0]).click()", selector)


def until(driver, selector):
    found = expected_conditions.presence_of_element_located((By.CSS_SELECTOR, selector))
    WebDriverWait(driver, 20).until(found)


# name, path, width, height, colour scheme, and what is done before
PICTURES = [
    ("home", "/", 1200, 620, "light", None),
    ("live-map", "/roadblock/", 1200, 750, "light", None),
    ("live-map-dark", "/roadblock/", 1200, 750, "dark", None),
    ("live-map-phone", "/roadblock/", 390, 780, "dark", None),
    ("roadblocks", "/roadblock/", 1200, 750, "dark", closer),
    ("what-if", "/roadblock/", 1200, 750, "light", what_if),
    ("what-if-phone", "/roadblock/", 390, 780, "dark", what_if),
    ("closing", "/roadblock/", 1200, 750, "light", closing),
    ("record", "/diagnosis/record/4", 1200, 900, "light", None),
    ("record-phone", "/diagnosis/record/4", 390, 780, "dark", None),
    ("charging", "/charging/", 1200, 720, "light", None),
    ("charging-board", "/charging/board", 1200, 980, "light", None),
    ("chat", "/workspace/", 1200, 640, "light", group),
    ("ssh", "/sshops/", 1200, 560, "light", None),
    ("admin", "/admin/", 1200, 750, "light", None),
]


def browser():
    options = webdriver.ChromeOptions()
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or ""
    driver = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=driver)


def main(base, email, password, *names):
    IMAGES.mkdir(exist_ok=True)
    driver = browser()
    try:
        driver.get(f"{base}/sign-in/")
        driver.find_element(By.NAME, "username").send_keys(email)
        driver.find_element(By.NAME, "password").send_keys(password)
        driver.find_element(By.NAME, "password").submit()
        time.sleep(1)
        for name, path, width, height, scheme, prepare in PICTURES:
            if names and name not in names:
                continue
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height}
                | {"deviceScaleFactor": 1, "mobile": width < 600},
            )
            feature = {"name": "prefers-color-scheme", "value": scheme}
            driver.execute_cdp_cmd(
                "Emulation.setEmulatedMedia", {"features": [feature]}
            )
            driver.get(base + path)
            time.sleep(8)  # trails grow
            if prepare:
                prepare(driver)
            driver.save_screenshot(str(IMAGES / f"{name}.png"))
    finally:
        driver.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
