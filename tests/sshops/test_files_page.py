"""Files of a server and shared files, moved in a real browser."""

import pytest
from django.core.files.base import ContentFile

from tests.sshops.working import wait_until
from workspace import files
from workspace.models import Upload

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nudged"),
]


@pytest.fixture
def there(tmp_path):
    folder = tmp_path / "there"
    (folder / "inner").mkdir(parents=True)
    (folder / "log.txt").write_text("of the server")
    return folder


@pytest.fixture
def page(disk, browser, operator, server, there):
    """The transfers' part of the page, with a folder of the server open."""
    files.accept(owner=operator, content=ContentFile(b"shared"), name="a 한글.txt")
    browser.sign_in(operator)
    browser.open("/sshops/#transfers")
    browser.wait_for_text("#files-server", server.name)
    browser.find("#files-path").send_keys(str(there))
    browser.click("#files-form [type=submit]")
    browser.wait_for_text("#files-rows", "log.txt")
    return browser


def test_a_file_from_this_computer(page, there, tmp_path):
    (tmp_path / "mine.bin").write_bytes(bytes(2_000_000))

    page.find("#files-upload").send_keys(str(tmp_path / "mine.bin"))

    page.wait_for_text("#files-uploads", "Sent.")
    assert (there / "mine.bin").read_bytes() == bytes(2_000_000)
    page.wait_for_text("#files-rows", "mine.bin")
    assert page.complaints() == []


def test_a_file_is_replaced_only_on_request(page, there, tmp_path):
    (tmp_path / "log.txt").write_text("mine")
    page.find("#files-upload").send_keys(str(tmp_path / "log.txt"))
    page.wait_for_text("#replace", "log.txt is there already.")

    page.click("#replace [value=no]")
    assert (there / "log.txt").read_text() == "of the server"
    page.find("#files-upload").send_keys(str(tmp_path / "log.txt"))
    page.wait_for_text("#replace", "log.txt is there already.")
    page.click("#replace [value=yes]")

    page.wait_for_text("#files-uploads", "Sent.")
    assert (there / "log.txt").read_text() == "mine"


def test_a_shared_file_is_sent(page, there):
    page.click("#files-send")
    page.wait_for_text("#shared-list", "a 한글.txt")
    page.click("#shared-list button")

    page.wait_for_text("#file-runs", "Complete")
    assert (there / "a 한글.txt").read_bytes() == b"shared"
    page.wait_for_text("#files-rows", "a 한글.txt")


def test_a_file_becomes_a_shared_one(page):
    page.click("#files-rows .buttons button")

    page.wait_for_text("#file-runs", "Complete")
    assert Upload.objects.filter(original_filename="log.txt").exists()
    assert page.complaints() == []


def test_a_file_is_downloaded(page, tmp_path):
    page.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior",
        {"behavior": "allow", "downloadPath": str(tmp_path / "saved")},
    )

    page.click("#files-rows a[download]")

    saved = tmp_path / "saved/log.txt"
    wait_until(lambda: saved.exists() and saved.read_text() == "of the server")


def test_folders_are_walked_through(page, there):
    page.click("#files-rows tr:nth-child(2) button")
    page.wait_for_text("#files-state", "This folder is empty.")
    assert page.find("#files-path").get_attribute("value") == f"{there}/inner"

    page.click("#files-rows button")

    page.wait_for_text("#files-rows", "log.txt")


def test_a_folder_that_is_not_there(page, there):
    page.find("#files-path").send_keys("/none")

    page.click("#files-form [type=submit]")

    page.wait_for_text("#files-state", "There is no such file or folder on the server.")
