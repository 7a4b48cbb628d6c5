"""The files' page in a browser: sending through broken lines, looking, deleting."""

import hashlib
import os

import pytest
from selenium.webdriver.common.by import By

from tests import factories
from workspace import files
from workspace.models import PartialUpload, Upload

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/workspace/files"
MIB = 1 << 20
PICTURE = (  # one red point
    b"GIF87a\x01\x00\x01\x00\x80\x01\x00\xff\x00\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


@pytest.fixture(autouse=True)
def _disk(disk):
    """Files lie in a folder of each test's own."""


@pytest.fixture
def page(browser, kim):
    """Kim's page of files, loaded; slowed down by what a test asks for."""
    browser.sign_in(kim)
    browser.open(PAGE)
    browser.driver.execute_script("localStorage.clear()")
    browser.wait_for(lambda: browser.texts("#list[aria-busy=false], #nothing"))
    yield browser
    slow_down(browser, 0)


def slow_down(browser, bytes_a_second):
    """Let the browser's network be that slow; 0 is as fast as it can."""
    conditions = {
        "offline": False,
        "latency": 0,
        "downloadThroughput": 0,
        "uploadThroughput": bytes_a_second,
    }
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


@pytest.fixture
def make(tmp_path):
    """Write a file of random bytes; return its path."""

    def write(name, size):
        path = tmp_path / name
        path.write_bytes(os.urandom(size))
        return path

    return write


def choose(page, *paths):
    page.find("#choose").send_keys("\n".join(map(str, paths)))


def sha256_of(disk, upload):
    return hashlib.sha256((disk / upload.key).read_bytes()).hexdigest()


def test_the_page_is_for_people_who_signed_in(client, db):
    response = client.get(PAGE)

    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=/workspace/files"


def test_files_are_sent_shown_and_deleted(page, tmp_path, make, disk):
    picture = tmp_path / "점.gif"
    picture.write_bytes(PICTURE)
    page.find("#description").send_keys("한 점")
    choose(page, picture)
    page.wait_for_text("#toast", "점.gif is here.")
    choose(page, make("a.bin", 3 * MIB), make("empty.txt", 0))
    page.wait_for(lambda: Upload.objects.count() == 3)
    page.wait_for(lambda: len(page.texts("#list > li")) == 3)

    assert page.texts("#list .said") == ["한 점"]
    assert page.texts("#going > ul > li") == []
    page.click("#list button.thumb")
    page.wait_for(lambda: page.find("#preview-picture").get_property("naturalWidth"))
    assert page.texts("#preview-name") == ["점.gif"]
    page.click("#preview button")

    gif = Upload.objects.get(folder="images")
    page.click(f'[data-name="{gif.filename}"] button.quiet')
    page.wait_for_text("#delete-dialog [data-text]", "점.gif")
    page.click("#delete-dialog [value=yes]")
    page.wait_for(lambda: len(page.texts("#list > li")) == 2)
    assert not (disk / gif.key).exists()
    assert page.complaints() == []


def test_dropped_files_are_sent(page, disk):
    script = """
        const data = new DataTransfer();
        data.items.add(new File(["hello"], "dropped.txt"));
        const at = {bubbles: true, cancelable: true, dataTransfer: data};
        const drop = document.getElementById("drop");
        drop.dispatchEvent(new DragEvent("dragover", at));
        const lit = drop.classList.contains("over");
        drop.dispatchEvent(new DragEvent("drop", at));
        return lit;
    """
    assert page.driver.execute_script(script) is True
    page.wait_for_text("#list", "dropped.txt")

    assert (disk / Upload.objects.get().key).read_bytes() == b"hello"


def test_an_upload_goes_on_when_the_line_is_back(page, site, make, disk):
    file = make("plan.bin", 20 * MIB)
    slow_down(page, 8 * MIB)
    choose(page, file)
    page.wait_for(lambda: PartialUpload.objects.filter(offset__gt=0).exists())

    site.stop()
    page.wait_for_text("#going .state", "the connection is lost")
    before = PartialUpload.objects.get().offset
    site.start()

    page.wait_for_text("#toast", "plan.bin is here.")
    upload = Upload.objects.get()
    assert 0 < before < upload.size == 20 * MIB
    assert sha256_of(disk, upload) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_upload_goes_on_in_another_visit(page, make, disk):
    file = make("plan.bin", 20 * MIB)
    slow_down(page, 6 * MIB)
    choose(page, file)
    page.wait_for(lambda: PartialUpload.objects.filter(offset__gt=0).exists())
    page.click("#going .buttons button")
    page.wait_for_text("#going .state", "paused")
    before = PartialUpload.objects.get()

    slow_down(page, 0)
    page.open(PAGE)
    page.wait_for_text("#unfinished-list", "plan.bin")
    choose(page, file)

    page.wait_for_text("#toast", "plan.bin is here.")
    assert PartialUpload.objects.get() == before
    assert sha256_of(disk, Upload.objects.get()) == (
        hashlib.sha256(file.read_bytes()).hexdigest()
    )


def test_an_upload_is_given_up(page, make, disk):
    slow_down(page, 2 * MIB)
    choose(page, make("plan.bin", 20 * MIB))
    page.wait_for(lambda: PartialUpload.objects.filter(offset__gt=0).exists())

    buttons = page.find("#going-list").find_elements(By.CSS_SELECTOR, "button")
    [give_up] = [button for button in buttons if button.text == "Give up"]
    give_up.click()

    page.wait_for(lambda: not PartialUpload.objects.exists())
    assert page.texts("#going-list > li") == []
    page.wait_for(lambda: not any(path.is_file() for path in disk.rglob("*")))


def test_a_refusal_is_told(page, make, settings):
    settings.WORKSPACE_RESUMABLE_MAX_BYTES = 10

    choose(page, make("plan.bin", 100))

    page.wait_for_text("#going .failed .state", "The file is too large.")


def test_viewers_see_no_place_to_drop(browser, kim):
    file = files.accept(owner=kim, content=factories.file(b"x"), name="kim.txt")
    browser.sign_in(factories.user("viewer@example.com", urole="viewer"))

    browser.open(PAGE)

    browser.wait_for_text("#list", file.original_filename)
    assert browser.texts("#drop") == []
    assert browser.texts("#list button") == []


def test_others_files_have_no_delete_button_but_for_staff(browser, kim, boss):
    files.accept(owner=kim, content=factories.file(b"x"), name="kim.txt")
    seen = []
    for who in (factories.user("lee@example.com"), boss, kim):
        browser.sign_in(who)
        browser.open(PAGE)
        browser.wait_for_text("#list", "kim.txt")
        seen.append(browser.texts("#list button.quiet"))

    assert seen == [[], ["Delete"], ["Delete"]]


def test_long_lists_come_in_parts(browser, kim):
    for number in range(51):
        files.accept(owner=kim, content=factories.file(b"x"), name=f"{number}.txt")
    browser.sign_in(kim)
    browser.open(PAGE)

    browser.wait_for(lambda: len(browser.texts("#list > li")) == 50)
    browser.click("#more")
    browser.wait_for(lambda: len(browser.texts("#list > li")) == 51)
    assert browser.texts("#more") == []
