""" "What if" and placing by hand on the live map, in a real browser."""

import pytest
from selenium.webdriver import ActionChains, Keys

from roadblock import client_packets as packets
from roadblock import tasks
from roadblock.models import Chase, Plan, Roadblock
from roadblock.packets import POLICE, RUNNER
from tests.roadblock.chased import town

__all__ = ["town"]

KEY = b"test-secret"
RUNNER_ROW = "#whatif-cars li.runner button"
POLICE_ROW = "#whatif-cars li.police button"


@pytest.fixture
def worker(monkeypatch):
    """Work through what is put on the broker, at once."""
    monkeypatch.setattr(
        tasks.make_plan, "apply_async", lambda args, **options: tasks.make_plan(*args)
    )


@pytest.fixture
def chase(cars, town, worker, settings):
    """A chase in the town, whose cars may be silent as long as this test takes."""
    settings.ROADBLOCK_SILENT_SECONDS = 600
    cars(
        packets.registration(KEY, 3, POLICE, "POLICE_2"),
        packets.position(KEY, 3, 480.0, 0.0),
        packets.registration(KEY, 12, RUNNER, "runner12"),
        packets.position(KEY, 12, 240.0, 240.0),
    )
    return Chase.objects.get()


@pytest.fixture
def opened(browser, chase, operator):
    browser.sign_in(operator)
    browser.open("/roadblock/")
    browser.wait_for_text("#chases", "runner12")
    browser.wait_for_text("#rows .name", "POLICE_2")
    browser.click("#whatif")
    browser.wait_for(lambda: share(browser) is not None)
    return browser


def share(browser):
    [text] = browser.texts("#whatif-share") or [""]
    return int(text.removesuffix(" %")) if text.endswith("%") else None


def at(browser, x, y):
    """Begin a chain of actions at so many pixels from the map's middle."""
    chain = ActionChains(browser.driver)
    return chain.move_to_element_with_offset(browser.find("#map"), x, y)


def drag(browser, start, end):
    by = [b - a for a, b in zip(start, end, strict=True)]
    halves = [part // 2 for part in by]
    rest = [part - half for part, half in zip(by, halves, strict=True)]
    chain = at(browser, *start).click_and_hold()
    chain.move_by_offset(*halves).move_by_offset(*rest).release().perform()


def settled(browser, count):
    """Wait until so many trials were answered and none is under way."""
    panel = browser.find("#whatif-panel")
    browser.wait_for(
        lambda: (
            panel.get_attribute("aria-busy") == "false"
            and Plan.objects.exclude(made_at=None).count() >= count
        )
    )
    return Plan.objects.latest("pk")


@pytest.mark.django_db(transaction=True)
def test_dragging_a_car_changes_the_share(opened, chase):
    opened.click(RUNNER_ROW)
    at(opened, 100, 0).click().perform()
    opened.wait_for_text(f"{RUNNER_ROW} small", "moved")
    opened.click(POLICE_ROW)
    at(opened, 360, 160).click().perform()
    opened.wait_for_text(f"{POLICE_ROW} small", "moved")
    far = settled(opened, 3)

    drag(opened, (360, 160), (120, 20))
    near = settled(opened, Plan.objects.count() + 1)

    assert near.wishes["units"] != far.wishes["units"]
    assert near.share > far.share
    opened.wait_for(lambda: share(opened) == round(near.share * 100))
    assert not Plan.objects.filter(is_trial=False).exists()
    assert not opened.find("#whatif-order").is_enabled()
    opened.wait_for_text("#whatif-why", "put back")
    opened.click(f"{POLICE_ROW}[data-act=putBack]")
    opened.wait_for(
        lambda: (
            "moved" not in opened.texts(f"{POLICE_ROW} small")[0]
            and "units" not in Plan.objects.latest("pk").wishes
        )
    )
    assert opened.complaints() == []


@pytest.mark.django_db(transaction=True)
def test_a_post_is_placed_by_hand_and_ordered(opened, chase):
    best = settled(opened, 1)
    opened.click("[data-whatif=hand]")
    opened.click(POLICE_ROW)
    at(opened, 150, 200).click().perform()
    opened.wait_for(lambda: "posts" in settled(opened, 2).wishes)
    first = Plan.objects.latest("pk")
    assert first.share < best.share
    opened.wait_for(lambda: share(opened) == round(first.share * 100))

    drag(opened, (150, 200), (60, -120))
    opened.wait_for(lambda: places(Plan.objects.latest("pk")) != places(first))
    second = settled(opened, 3)
    opened.wait_for(lambda: share(opened) == round(second.share * 100))
    assert not Roadblock.objects.exclude(state=Roadblock.State.TRIAL).exists()

    opened.click("#whatif-order")
    opened.click("#whatif-sure [value=yes]")
    opened.wait_for_text("#whatif-said", "Ordered.")
    plan = Plan.objects.in_force().get()
    assert (plan.reason, places(plan)) == (Plan.Reason.MANUAL, places(second))
    assert set(plan.roadblocks.values_list("state", flat=True)) == {"queued"}

    opened.wait_for_text("#whatif-release", "Let the planner decide again")
    opened.click("#whatif-release")
    opened.wait_for_text("#whatif-said", "The planner decides again.")
    assert Plan.objects.in_force().get().reason == Plan.Reason.ASKED
    assert opened.complaints() == []


def places(plan):
    return set(plan.roadblocks.values_list("unit_id", "node"))


@pytest.mark.django_db(transaction=True)
def test_arrow_keys_move_what_is_chosen_and_escape_lets_go(opened, chase):
    opened.click(RUNNER_ROW)
    ActionChains(opened.driver).send_keys(Keys.ARROW_RIGHT * 3).perform()
    opened.wait_for(lambda: "runner" in Plan.objects.latest("pk").wishes)
    opened.wait_for(lambda: settled(opened, 2).wishes["runner"][0] > 250)
    assert Plan.objects.latest("pk").wishes["runner"][1] == 240

    ActionChains(opened.driver).send_keys(Keys.ESCAPE).perform()
    opened.wait_for_text("#whatif-hint", "Drag a car")
    ActionChains(opened.driver).send_keys(Keys.ESCAPE).perform()
    opened.wait_for(lambda: opened.texts("#whatif-panel") == [])


@pytest.mark.django_db(transaction=True)
def test_answers_that_were_overtaken_are_dropped(browser, outsider):
    browser.sign_in(outsider)
    browser.open("/roadblock/")

    sent, taken = browser.driver.execute_async_script(
        """
        const done = arguments[0];
        import("/static/roadblock/whatif/asker.js").then(async ({ Asker }) => {
          const [sent, taken, open] = [[], [], []];
          const asker = new Asker(
            (wish) => new Promise((answer) => {
              sent.push(wish);
              open.push(() => answer(wish));
            }),
            { onAnswer: (one) => taken.push(one), onTrouble() {}, onBusy() {} },
          );
          const turn = async () => {
            open.shift()();
            await new Promise((then) => setTimeout(then));
          };
          for (const wish of ["a", "b", "c"]) asker.ask(wish);
          await turn();
          asker.ask("d", true);
          await turn();
          await turn();
          asker.ask("e");
          asker.drop();
          await turn();
          done([sent, taken]);
        });
        """
    )

    assert sent == [
        "a",
        "c",
        "d",
        "e",
    ]  # one at a time, of those that waited the newest
    assert taken == ["c", "d"]


@pytest.mark.django_db(transaction=True)
def test_who_may_not_plan_is_not_offered_it(browser, outsider):
    browser.sign_in(outsider)
    browser.open("/roadblock/")
    browser.wait_for_text("#link-state", "Live")

    assert browser.texts("#whatif") == []
    assert browser.complaints() == []


@pytest.mark.django_db(transaction=True)
def test_a_way_that_cannot_be_closed_is_said(opened, chase):
    opened.click("[data-whatif=close]")

    opened.wait_for_text("#whatif-closed", "It cannot be done")
    assert Plan.objects.latest("pk").containment["possible"] is False
    assert opened.complaints() == []
