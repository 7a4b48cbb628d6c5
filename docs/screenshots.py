"""Takes the README's pictures from a running server, with headless Chromium.

.venv/bin/python docs/screenshots.py http://127.0.0.1:8000 E-MAIL PASSWORD
"""

import shutil
import sys
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

IMAGES = Path(__file__).parent / "images"
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
# name, path, width, height, colour scheme
PICTURES = [
    ("home", "/", 1200, 620, "light"),
    ("live-map", "/roadblock/", 1200, 750, "light"),
    ("live-map-dark", "/roadblock/", 1200, 750, "dark"),
    ("live-map-phone", "/roadblock/", 390, 780, "dark"),
    ("record", "/diagnosis/record/4", 1200, 900, "light"),
    ("record-phone", "/diagnosis/record/4", 390, 780, "dark"),
    ("admin", "/admin/", 1200, 750, "light"),
]


def browser():
    options = webdriver.ChromeOptions()
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or ""
    driver = webdriver.ChromeService(shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=driver)


def main(base, email, password):
    IMAGES.mkdir(exist_ok=True)
    driver = browser()
    try:
        driver.get(f"{base}/sign-in/")
        driver.find_element(By.NAME, "username").send_keys(email)
        driver.find_element(By.NAME, "password").send_keys(password)
        driver.find_element(By.NAME, "password").submit()
        time.sleep(1)
        for name, path, width, height, scheme in PICTURES:
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
            driver.save_screenshot(str(IMAGES / f"{name}.png"))
    finally:
        driver.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
