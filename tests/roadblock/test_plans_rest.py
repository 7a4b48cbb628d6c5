"""Plans over HTTP, by the right person, a stranger and nobody."""

import pytest
from django.utils import timezone

from roadblock import chases, plans, tasks
from roadblock.models import Plan, Roadblock
from tests.roadblock.chased import BLOCK, chase, police, runner, town

__all__ = ["chase", "police", "runner", "town"]

pytestmark = pytest.mark.django_db(transaction=True)

ROADBLOCK_KEYS = {
    *("id", "unit_id", "vehicle_id", "node", "x", "y", "heading", "eta", "slack"),
    *("share", "loss", "command", "state", "changed_at"),
}
PLAN_KEYS = {
    *("id", "chase_id", "reason", "goal", "is_trial", "asked_at", "made_at"),
    *("failure", "share", "bound", "gap", "proven", "seconds", "previous_share"),
    *("runner_x", "runner_y", "looked_at", "replaced_at", "roadblocks"),
}
MORE_KEYS = {"heat", "containment"}


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    """Work through what is put on the broker, at once."""
    monkeypatch.setattr(
        tasks.make_plan, "apply_async", lambda args, **options: tasks.make_plan(*args)
    )


def plan_path(chase):
    return f"/roadblock/chases/{chase.pk}/plan"


def test_an_operator_asks_for_a_plan(api, operator, chase):
    answer = api(operator).post(plan_path(chase))

    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == PLAN_KEYS | MORE_KEYS
    assert set(body["roadblocks"][0]) == ROADBLOCK_KEYS
    assert (body["chase_id"], body["reason"], body["goal"]) == (
        chase.pk, "asked", "expected",
    )  # fmt: skip
    assert 0 < body["share"] <= body["bound"] <= 1
    assert {one["state"] for one in body["roadblocks"]} == {"queued"}
    assert Plan.objects.get().asked_by == operator


def test_everyone_signed_in_reads_plans(api, outsider, chase):
    plans.review(chase)
    plan = Plan.objects.get()

    listed = api(outsider).get(f"/roadblock/chases/{chase.pk}/plans")
    one = api(outsider).get(f"/roadblock/chases/{chase.pk}/plans/{plan.pk}")

    assert listed.status_code == one.status_code == 200
    (row,) = listed.json()["plans"]
    assert set(row) == PLAN_KEYS
    assert set(one.json()) == PLAN_KEYS | MORE_KEYS
    assert row["id"] == plan.pk


def test_only_operators_order_cars_about(api, outsider, chase):
    assert api(outsider).post(plan_path(chase)).status_code == 403
    assert api().post(plan_path(chase)).status_code == 401
    assert not Plan.objects.exists()


def test_nobody_reads_nothing(api, chase):
    for path in (f"{chase.pk}/plans", f"{chase.pk}/plans/1"):
        assert api().get(f"/roadblock/chases/{path}").status_code == 401


def test_a_trial(api, operator, chase, police):
    body = {
        "trial": True,
        "goal": "worst",
        "runner": [0, 2 * BLOCK],
        "units": {str(police[0].pk): [BLOCK, 0]},
        "without": [police[1].pk],
    }

    answer = api(operator).post(plan_path(chase), body, format="json")

    assert answer.status_code == 201
    trial = answer.json()
    assert (trial["is_trial"], trial["goal"]) == (True, "worst")
    assert trial["runner_y"] == 2 * BLOCK
    assert police[1].pk not in {one["unit_id"] for one in trial["roadblocks"]}
    assert {one["state"] for one in trial["roadblocks"]} <= {"trial"}
    listed = api(operator).get(f"/roadblock/chases/{chase.pk}/plans").json()
    assert listed == {"plans": []}


def test_a_runner_with_a_car_before_each_way_out_is_contained(
    api, operator, chase, police
):
    wishes = {"trial": True, "goal": "contain", "runner": [2 * BLOCK, 2 * BLOCK]}

    answer = api(operator).post(plan_path(chase), wishes, format="json")

    assert answer.status_code == 201
    plan = answer.json()
    assert plan["containment"] == {"possible": True, "fewest": 3, "ways": []}
    # The cars of the fixture stand where the three ways lead out of the town.
    nodes = {one["unit_id"]: one["node"] for one in plan["roadblocks"]}
    for car, crossing in zip(police, ["0-0", "4-0", "4-3"], strict=True):
        assert f"out of {crossing}" in nodes[car.pk] or nodes[car.pk] == crossing
    assert {one["state"] for one in plan["roadblocks"]} == {"trial"}


def test_a_runner_that_cannot_be_contained(api, operator, chase, police):
    wishes = {"trial": True, "goal": "contain", "without": [police[0].pk]}

    answer = api(operator).post(plan_path(chase), wishes, format="json")

    plan = answer.json()
    assert plan["containment"]["possible"] is False
    assert plan["roadblocks"] == []
    for way in plan["containment"]["ways"]:
        assert way[:2] == [2 * BLOCK, 2 * BLOCK]
        assert len(way) >= 6


def test_placing_by_hand(api, operator, chase, police):
    body = {"posts": {str(police[0].pk): [BLOCK, 0], str(police[1].pk): [480, 120]}}

    answer = api(operator).post(plan_path(chase), body, format="json")

    plan = answer.json()
    assert (answer.status_code, plan["reason"]) == (201, "manual")
    assert {one["unit_id"]: one["node"] for one in plan["roadblocks"]} == {
        police[0].pk: "1-0", police[1].pk: "4-1",
    }  # fmt: skip
    assert Roadblock.objects.in_force().count() == 2


@pytest.mark.parametrize(
    "body",
    [
        {"goal": "nice"},
        {"goal": "contain"},
        {"goal": "contain", "trial": True, "posts": {"1": [1, 2]}},
        {"trial": "perhaps"},
        {"posts": []},
        {"posts": {"x": [1, 2]}},
        {"posts": {"1": [1]}},
        {"posts": {"1": [1, "east"]}},
        {"posts": {"99999999999999999999": [1, 2]}},
        {"posts": {"1": [1e300, 2]}},
        {"without": ["all"]},
        {"without": [-1]},
        {"runner": [1, 2]},
        {"units": {"1": [1, 2]}},
        {"trial": True, "runner": [1, 2, 3]},
        {"trial": True, "runner": "there"},
        [],
        "plan",
    ],
)
def test_bad_wishes(api, operator, chase, body):
    answer = api(operator).post(plan_path(chase), body, format="json")

    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert not Plan.objects.exists()


@pytest.mark.parametrize("text", ['{"trial": NaN}', '{"runner": [NaN, 1]', "\xff"])
def test_malformed_json(api, operator, chase, text):
    answer = api(operator).post(plan_path(chase), text, content_type="application/json")

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(("id", "status"), [("0", 422), ("x", 422), ("99999", 404)])
def test_unknown_chases(api, operator, id, status):
    for verb, path in (("post", "plan"), ("get", "plans"), ("get", "plans/1")):
        answer = getattr(api(operator), verb)(f"/roadblock/chases/{id}/{path}")
        assert answer.status_code == status


def test_a_plan_belongs_to_its_chase(api, operator, chase):
    plans.review(chase)
    other = chases.Chase.objects.create(runner=chase.runner, ended_at=timezone.now())
    path = f"/roadblock/chases/{other.pk}/plans/{Plan.objects.get().pk}"

    assert api(operator).get(path).status_code == 404


def test_a_chase_that_is_over_gets_no_plan(api, operator, chase):
    chases.catch(3, 12)

    answer = api(operator).post(plan_path(chase))

    assert answer.status_code == 409
    assert answer.json()["code"] == "chase_over"


def test_a_chase_on_no_map_gets_no_plan(api, operator, chase, settings):
    settings.ROADBLOCK_DEFAULT_MAP_ID = 4

    answer = api(operator).post(plan_path(chase))

    assert answer.status_code == 409
    assert answer.json()["code"] == "no_map"


def test_without_a_worker_the_plan_waits(api, operator, chase, monkeypatch):
    monkeypatch.setattr(tasks.make_plan, "apply_async", lambda *args, **options: None)
    monkeypatch.setattr("roadblock.plan_views.ANSWER_SECONDS", 0.1)

    answer = api(operator).post(plan_path(chase))

    assert answer.status_code == 503
    assert answer.json()["code"] == "plan_waiting"


def test_the_list_costs_as_many_queries_with_many_plans(
    api, operator, chase, django_assert_num_queries
):
    client = api(operator)
    path = f"/roadblock/chases/{chase.pk}/plans"
    client.post(plan_path(chase))
    client.get(path)
    with django_assert_num_queries(5):
        client.get(path)

    for _ in range(3):
        client.post(plan_path(chase))

    with django_assert_num_queries(5):
        assert len(client.get(path).json()["plans"]) == 4


def test_the_old_prefix(api, operator, chase):
    answer = api(operator).get(f"/roadblock/api/chases/{chase.pk}/plans/")

    assert answer.status_code == 200
