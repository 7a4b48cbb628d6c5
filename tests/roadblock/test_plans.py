"""Plans of a chase: made, kept while they are nearly the best, replaced when not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from roadblock import chases, fleet, orders, plans, situations
from roadblock.models import Plan, PoliceCar, Roadblock
from tests import factories
from tests.roadblock.chased import BLOCK, chase, police, put, runner, town

__all__ = ["chase", "police", "runner", "town"]

pytestmark = pytest.mark.django_db(transaction=True)

State = Roadblock.State


def posts(plan):
    return {one.unit_id: one.node for one in plan.roadblocks.all()}


def states(plan):
    return {one.unit_id: one.state for one in plan.roadblocks.all()}


def in_force(chase):
    return Plan.objects.in_force().get(chase=chase)


def test_a_chase_gets_a_plan_with_its_worth_and_its_orders(chase, police):
    assert plans.review(chase) is True

    plan = in_force(chase)
    assert plan.reason == Plan.Reason.START
    assert 0.5 < plan.share <= plan.bound <= 1
    assert plan.proven
    assert plan.gap == pytest.approx(0)
    assert set(posts(plan)) <= {car.pk for car in police}
    assert set(states(plan).values()) == {State.QUEUED}
    assert all(one.command for one in plan.roadblocks.all())
    assert plan.heat[0][0] <= 1
    assert len(plan.heat[0][1]) >= 4
    for one in plan.roadblocks.all():
        assert one.eta >= 0
        assert one.slack >= situations.MARGIN
        assert 0 < one.loss <= one.share + 1e-9 <= 1


def test_a_plan_stays_while_nobody_moves(chase):
    plans.review(chase)

    assert plans.review(chase) is False
    assert Plan.objects.count() == 1


def test_a_plan_stays_while_it_is_nearly_the_best(chase, runner, settings):
    settings.ROADBLOCK_REPLAN_GAIN = 1.1  # more than can ever be won
    plans.review(chase)
    before = in_force(chase)
    put(runner, 2, 1)

    assert plans.review(chase) is False

    after = in_force(chase)
    assert after.pk == before.pk
    assert posts(after) == posts(before)
    assert (after.runner_x, after.runner_y) == (2 * BLOCK, BLOCK)
    assert after.looked_at > before.looked_at
    assert after.share <= after.bound


def test_a_clearly_better_plan_replaces_it(chase, runner, settings):
    settings.ROADBLOCK_REPLAN_GAIN = 0.0
    plans.review(chase)
    first = in_force(chase)
    put(runner, 0, 2)

    assert plans.review(chase) is True

    second = in_force(chase)
    assert second.reason == Plan.Reason.MOVED
    assert second.share >= second.previous_share
    first.refresh_from_db()
    assert first.replaced_at is not None
    assert set(states(first).values()) == {State.EXPIRED}


def test_a_car_that_keeps_its_post_is_not_told_again(chase, police):
    plans.review(chase)
    first = in_force(chase)
    for one in first.roadblocks.all():
        orders.advance({one.pk: State.SENT})
        orders.advance({one.pk: State.ACKNOWLEDGED})
    commands = {one.unit_id: one.command for one in first.roadblocks.all()}

    plans.make(plans.ask(chase, reason=Plan.Reason.ASKED).pk)

    second = in_force(chase)
    assert second.pk != first.pk
    assert posts(second) == posts(first)
    assert set(states(second).values()) == {State.ACKNOWLEDGED}
    assert {one.unit_id: one.command for one in second.roadblocks.all()} == commands


def lose_by_silence(car):
    put(car, 0, 0, ago=60)


def lose_by_damage(car):
    fleet.set_condition(car.pk, status=PoliceCar.Status.COMPLETE_DESTROYED)


def lose_by_refusal(car):
    order = Roadblock.objects.get(unit=car, plan__replaced_at=None)
    orders.advance({order.pk: State.FAILED})


def lose_by_retirement(car):
    fleet.retire(car)


@pytest.mark.parametrize(
    "lose", [lose_by_silence, lose_by_damage, lose_by_refusal, lose_by_retirement]
)
def test_a_lost_car_makes_a_new_plan_without_it(chase, lose):
    plans.review(chase)
    first = in_force(chase)
    lost = max(first.roadblocks.all(), key=lambda one: one.loss).unit

    lose(lost)
    assert plans.review(chase) is True

    second = in_force(chase)
    assert second.reason == Plan.Reason.LOST
    assert lost.pk not in posts(second)
    assert states(first)[lost.pk] in (State.FAILED, State.EXPIRED)


def test_cars_on_other_maps_and_wrecks_are_not_asked(chase, police):
    fleet.move(police[0], 77)
    lose_by_damage(police[1])

    plans.review(chase)

    assert set(posts(in_force(chase))) == {police[2].pk}


def test_two_chases_share_the_cars(chase, police):
    other = factories.runner(13)
    put(other, 0, 1)
    second = factories.chase(other)

    for one in (chase, second):
        plans.review(one)

    used = [set(posts(in_force(one))) for one in (chase, second)]
    assert used[0].isdisjoint(used[1])
    assert all(used)
    assert police[0].pk in used[1]  # the one that is nearest to the other runner


def test_the_end_of_a_chase_ends_its_orders(chase, police, runner):
    plans.review(chase)

    chases.catch(3, 12)

    assert set(states(Plan.objects.get()).values()) == {State.EXPIRED}
    assert orders.in_force() == []
    with pytest.raises(plans.ChaseOver):
        plans.ask(factories.Chase.objects.get(), reason=Plan.Reason.ASKED)


def test_a_plan_that_comes_after_the_catch_orders_nobody(chase):
    asked = plans.ask(chase, reason=Plan.Reason.ASKED)
    chases.catch(3, 12)

    plans.make(asked.pk)

    asked.refresh_from_db()
    assert (asked.failure, asked.made_at) == ("chase_over", None)
    assert not Roadblock.objects.exists()


def test_a_trial_orders_nobody(chase, police):
    wishes = {"runner": [0.0, 240.0], "units": {str(police[0].pk): [0.0, 0.0]}}

    plans.make(plans.ask(chase, reason="asked", wishes=wishes, trial=True).pk)

    trial = Plan.objects.get()
    assert trial.made_at is not None
    assert (trial.runner_x, trial.runner_y) == (0.0, 240.0)
    assert set(states(trial).values()) == {State.TRIAL}
    assert orders.in_force() == []
    assert not Plan.objects.in_force().exists()


def test_cars_may_be_left_out(chase, police):
    wishes = {"without": [police[0].pk, police[1].pk]}

    plans.make(plans.ask(chase, reason="asked", wishes=wishes).pk)

    assert set(posts(in_force(chase))) == {police[2].pk}


def test_a_manual_plan_is_judged_and_stays(chase, police, runner):
    wishes = {"posts": {str(police[0].pk): [BLOCK + 3, -2.0]}}
    plans.make(plans.ask(chase, reason=Plan.Reason.MANUAL, wishes=wishes).pk)
    put(runner, 0, 3)

    assert plans.review(chase) is False

    manual = in_force(chase)
    assert posts(manual) == {police[0].pk: "1-0"}
    assert manual.share <= manual.bound
    plans.make(plans.ask(chase, reason=Plan.Reason.ASKED).pk)
    assert in_force(chase).share >= manual.share


def test_a_plan_is_made_once(chase):
    asked = plans.ask(chase, reason=Plan.Reason.ASKED)
    plans.make(asked.pk)
    made_at = in_force(chase).made_at

    plans.make(asked.pk)

    assert in_force(chase).made_at == made_at


def test_nobody_knows_where_the_runner_is(town, police):
    chase = factories.chase()

    with pytest.raises(situations.NobodyKnowsWhere):
        plans.review(chase)
    assert plans.review_all() == 0


def test_no_map_no_plan(chase, settings):
    settings.ROADBLOCK_DEFAULT_MAP_ID = 4

    with pytest.raises(situations.NoMap):
        plans.review(chase)


def test_a_view_costs_as_many_queries_with_many_cars(chase, police):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            situations.view(chase)
        return len(captured)

    queries()
    few = queries()
    for number in range(20, 40):
        put(factories.police_car(number), number % 5, number % 4)

    assert queries() == few


def test_trials_are_forgotten_and_plans_are_not(chase):
    plans.review(chase)
    for trial in (True, True, False):
        plans.make(plans.ask(chase, reason=Plan.Reason.ASKED, trial=trial).pk)
    Plan.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    fresh = plans.ask(chase, reason=Plan.Reason.ASKED, trial=True)

    plans.sweep()

    assert set(Plan.objects.filter(is_trial=True)) == {fresh}
    assert Plan.objects.filter(is_trial=False).count() == 2


def test_a_car_placed_by_hand_belongs_to_that_chase(chase, police):
    other = factories.runner(13)
    put(other, 4, 0)
    factories.chase(other)
    near_other = police[1]
    assert near_other.pk not in situations.view(chase).cars
    wishes = {"posts": {str(near_other.pk): [3 * BLOCK, 0]}}

    plan = plans.ask(chase, reason=Plan.Reason.MANUAL, wishes=wishes)
    plans.make(plan.pk)

    assert posts(plan) == {near_other.pk: "3-0"}


@pytest.mark.parametrize("gain", [-1.0, 1.1])  # the review replaces, or keeps
def test_a_review_leaves_alone_what_was_ordered_while_it_looked(
    chase, runner, police, settings, monkeypatch, gain
):
    settings.ROADBLOCK_REPLAN_GAIN = gain
    plans.review(chase)
    put(runner, 1, 2)
    wishes = {"posts": {str(police[0].pk): [BLOCK, 0]}}
    view = situations.view

    def ordered_meanwhile(chase, **asked):
        seen = view(chase, **asked)
        if not asked:  # the review's look
            by_hand = plans.ask(chase, reason=Plan.Reason.MANUAL, wishes=wishes)
            plans.make(by_hand.pk)
        return seen

    monkeypatch.setattr(situations, "view", ordered_meanwhile)

    assert plans.review(chase) is False
    assert in_force(chase).reason == Plan.Reason.MANUAL
    assert posts(in_force(chase)) == {police[0].pk: "1-0"}


def test_a_plan_placed_by_hand_stays_and_is_weighed_anew(chase, runner, police):
    plans.review(chase)
    best = in_force(chase)
    places = {str(one.unit_id): [one.x, one.y] for one in best.roadblocks.all()}
    wishes = {"posts": places}
    plan = plans.ask(chase, reason=Plan.Reason.MANUAL, wishes=wishes)
    plans.make(plan.pk)
    plan.refresh_from_db()
    put(runner, 1, 0)

    assert plans.review(chase) is False

    after = in_force(chase)
    assert (after.pk, posts(after)) == (plan.pk, posts(best))
    assert (after.runner_x, after.runner_y) == (BLOCK, 0)
    assert plan.share == pytest.approx(best.share)
    assert after.share != plan.share
    assert after.share <= after.bound
