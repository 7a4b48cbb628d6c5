"""Plans of a chase: ask for one, make it, keep it as long as it is nearly the best.

A plan is first a row that says what is wanted; a worker makes it. An open chase is
looked at again and again: the plan in force stays, and its cars with it, unless a car
of it was lost or a new plan would catch clearly more.
"""

import logging
import time
from contextlib import contextmanager
from datetime import timedelta
from math import degrees, hypot

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config.errors import Conflict, DomainError
from config.realtime import publish
from config.valkey import valkey
from roadblock import orders, situations
from roadblock.interception.planning import heat
from roadblock.models import Chase, Plan, Roadblock
from roadblock.wire import PLANS

log = logging.getLogger(__name__)

TRIAL_SECONDS = 3600  # how long a "what if" is kept
CONTAIN_SECONDS = 3.0  # for the search for posts that leave no way out
MOST_WAYS = 10  # that are told when there is no such choice
MOVED_METRES = 10.0  # a runner that moved less is where it was
LOCK_SECONDS = 30
GLANCE_SECONDS = 0.5  # for an answer: Valkey's client waits no longer than a second
SHORT_OF_COMPLETE = (
    0.004  # roads that so small a share of the routes takes are not shown
)

State = Roadblock.State


class ChaseOver(Conflict):
    """This chase has ended."""

    code = "chase_over"


def ask(chase, *, reason, goal=Plan.Goal.EXPECTED, wishes=None, trial=False, user=None):
    """Store that a plan is wanted; raise ChaseOver."""
    if not chase.is_open:
        raise ChaseOver
    return Plan.objects.create(
        chase=chase,
        reason=reason,
        goal=goal,
        wishes=wishes or {},
        is_trial=trial,
        asked_by=user,
    )


def make(plan_id):
    """Make a plan that was asked for; once, whoever else tries."""
    plan = (
        Plan.objects.select_related("chase__runner")
        .filter(pk=plan_id, made_at=None, failure="")
        .first()
    )
    if plan is None:
        return
    with _alone(f"plan:{plan_id}") as alone:
        if not alone:
            return
        try:
            _make(plan)
        except DomainError as error:
            Plan.objects.filter(pk=plan.pk).update(failure=error.code)
    # Whoever asked may be waiting.
    valkey().rpush(_answer_key(plan_id), b"made")
    valkey().expire(_answer_key(plan_id), LOCK_SECONDS)


def wait_for(plan, seconds):
    """Return the plan as soon as it is made, or as it is after so many seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if valkey().blpop([_answer_key(plan.pk)], timeout=min(left, GLANCE_SECONDS)):
            break
    plan.refresh_from_db()
    return plan


def sweep():
    """Forget trials that nobody looks at any more; return how many rows went."""
    oldest = timezone.now() - timedelta(seconds=TRIAL_SECONDS)
    return Plan.objects.filter(is_trial=True, asked_at__lt=oldest).delete()[0]


def _make(plan):
    wishes = plan.wishes
    seen = situations.view(
        plan.chase,
        runner=wishes.get("runner"),
        units={int(pk): at for pk, at in wishes.get("units", {}).items()},
        without=wishes.get("without", ()),
        wanted={int(pk) for pk in wishes.get("posts", ())},
    )
    if "posts" in wishes:
        posts = _posts_nearest(seen, wishes["posts"])
        result = seen.situation.judge(posts, plan.goal)
    elif plan.goal == Plan.Goal.CONTAIN:
        found = seen.contain(CONTAIN_SECONDS)
        plan.containment = _contained(seen, found)
        result = seen.situation.judge(found.posts)
    else:
        result = seen.situation.plan(plan.goal, settings.ROADBLOCK_PLAN_SECONDS)
    _put_in_force(plan, seen, result)


def review_all():
    """Look at every open chase; return how many plans came into force."""
    made = 0
    for chase in Chase.objects.filter(ended_at=None).select_related("runner"):
        try:
            made += review(chase)
        except DomainError as error:
            log.debug("Chase %s has no plan: %s", chase.pk, error)
    return made


def review(chase):
    """Plan anew if the runner moved or a car was lost; tell if a new plan is in force.

    Raises what situations.view() raises.
    """
    with _alone(f"chase:{chase.pk}") as alone:
        return alone and _review(chase)


def _review(chase):
    current = Plan.objects.in_force().filter(chase=chase).first()
    if current is not None and current.reason == Plan.Reason.MANUAL:
        _weigh(chase, current)  # it stays until somebody asks for another
        return False
    seen = situations.view(chase)
    reason = Plan.Reason.START
    if current is not None:
        before = _meant(current)
        kept = [one for one in before if one.unit_id in seen.cars]
        lost = len(kept) < current.roadblocks.count()
        moved = _gap(current, seen.runner) >= MOVED_METRES
        if not lost and not moved:
            return False
        reason = Plan.Reason.LOST if lost else Plan.Reason.MOVED
        _give_up([one for one in before if one.unit_id not in seen.cars])
    result = seen.situation.plan(Plan.Goal.EXPECTED, settings.ROADBLOCK_PLAN_SECONDS)
    if current is None and not result.placements:
        return False
    previous = None
    if current is not None:
        rows = seen.situation.graph.rows
        posts = {one.unit_id: rows[one.node] for one in kept if one.node in rows}
        previous = seen.situation.share(posts)
        if not lost and result.share - previous < settings.ROADBLOCK_REPLAN_GAIN:
            judged = seen.situation.judge(posts, Plan.Goal.EXPECTED)
            _update(current, seen, judged, max(result.bound, judged.share))
            return False
    plan = Plan(chase=chase, reason=reason, previous_share=previous)
    return _put_in_force(plan, seen, result, instead_of=current)


def _meant(plan):
    """Return the roadblocks of a plan that are still to be held."""
    over = (State.EXPIRED, State.FAILED)
    return [one for one in plan.roadblocks.all() if one.state not in over]


def _give_up(roadblocks):
    """Note that these cars cannot hold their posts: silent, wrecked or retired."""
    orders.advance({one.pk: State.FAILED for one in roadblocks})


def _weigh(chase, plan):
    """Note what a plan placed by hand is worth, now that the runner has moved."""
    meant = _meant(plan)
    seen = situations.view(chase, wanted={one.unit_id for one in meant})
    if _gap(plan, seen.runner) < MOVED_METRES:
        return
    rows = seen.situation.graph.rows
    posts = {one.unit_id: rows[one.node] for one in meant if one.unit_id in seen.cars}
    judged = seen.situation.judge(posts, plan.goal)
    _update(plan, seen, judged, judged.bound)


@transaction.atomic
def _update(plan, seen, judged, bound):
    """Note what the plan in force is worth now, unless it was replaced meanwhile."""
    Chase.objects.select_for_update().get(pk=plan.chase_id)
    if not Plan.objects.in_force().filter(pk=plan.pk).exists():
        return
    placements = {each.unit: each for each in judged.placements}
    changed = []
    for one in plan.roadblocks.filter(unit__in=placements):
        place = placements[one.unit_id]
        one.eta, one.slack = _finite(place.eta), place.slack
        one.share, one.loss = place.share, place.loss
        changed.append(one)
    Roadblock.objects.bulk_update(changed, ["eta", "slack", "share", "loss"])
    plan.share, plan.bound = judged.share, bound
    plan.proven = bound <= judged.share
    _describe(plan, seen)
    plan.save()
    publish(PLANS, "plan.changed", id=plan.pk, chase_id=plan.chase_id)


@transaction.atomic
def _put_in_force(plan, seen, result, instead_of=None):
    """Store a plan that is made and give its orders; a trial gives none.

    Tells whether it is in force: not when the chase has ended meanwhile, nor, where
    nobody has asked for it, when another plan has come instead of the one it improves.
    """
    _describe(plan, seen)
    plan.share, plan.bound = result.share, result.bound
    plan.proven, plan.seconds = result.proven, result.seconds
    plan.made_at = timezone.now()
    roadblocks = [_roadblock(plan, seen, each) for each in result.placements]
    if plan.is_trial:
        plan.save()
        Roadblock.objects.bulk_create(roadblocks)
        return False
    # Locked, so that no catch comes between this look and the orders.
    chase = Chase.objects.select_for_update().get(pk=plan.chase_id)
    if not chase.is_open:
        if plan.pk:
            raise ChaseOver
        return False
    newest = Plan.objects.in_force().filter(chase=chase)
    if plan.pk is None and newest.first() != instead_of:
        return False
    before = _replace(chase)
    plan.save()
    for one in roadblocks:
        one.plan, one.state = plan, State.QUEUED
        old = before.get((one.unit_id, one.node))
        if old is not None:  # the same post: nothing new to be said
            one.state, one.heading = old
    orders.sign(roadblocks, plan.chase.runner)
    Roadblock.objects.bulk_create(roadblocks)
    orders.issue(chase)
    publish(PLANS, "plan.changed", id=plan.pk, chase_id=chase.pk)
    return True


def _replace(chase):
    """End the plan in force; return {(car, place): (state, heading)} of its posts."""
    current = Plan.objects.in_force().filter(chase=chase)
    posts = {
        (one.unit_id, one.node): (one.state, one.heading)
        for one in Roadblock.objects.filter(
            plan__in=current, state__in=[State.QUEUED, State.SENT, State.ACKNOWLEDGED]
        )
    }
    orders.expire(plan__in=current)
    current.update(replaced_at=timezone.now())
    return posts


def _describe(plan, seen):
    """Note from where the runner was seen and where it may go."""
    graph = seen.situation.graph
    plan.runner_x, plan.runner_y = seen.runner.x, seen.runner.y
    plan.looked_at = timezone.now()
    edges, parts = heat(graph, seen.situation.routes)
    plan.heat = [
        [round(part, 3), graph.line(edge).round(1).ravel().tolist()]
        for edge, part in zip(edges.tolist(), parts.tolist(), strict=True)
        if part >= SHORT_OF_COMPLETE
    ]


def _contained(seen, found):
    """Return a Containment as its plan keeps it; ways [x, y, x, y, ...] are the proof
    that no choice of posts leaves none of them.
    """
    ways = [] if found.possible else found.ways[:MOST_WAYS]
    return {
        "possible": found.possible,
        "fewest": found.fewest,
        "ways": [_line(seen, [place for place, _ in way]) for way in ways],
    }


def _line(seen, places):
    graph = seen.situation.graph
    lines = [[(seen.runner.x, seen.runner.y)], graph.points[places[:1]]]
    lines += [graph.line(edge) for edge in graph.edges(places[:-1], places[1:])]
    return np.concatenate(lines).round(1).ravel().tolist()


def _roadblock(plan, seen, placement):
    return Roadblock(
        plan=plan,
        unit=seen.cars[placement.unit],
        node=placement.node,
        x=placement.x,
        y=placement.y,
        heading=degrees(placement.heading),
        eta=_finite(placement.eta),
        slack=placement.slack,
        share=placement.share,
        loss=placement.loss,
    )


def _posts_nearest(seen, wanted):
    """Return {car: place} for points {car: (x, y)}; cars that aren't ours are left."""
    points = seen.situation.graph.points
    return {
        int(pk): int(((points - at) ** 2).sum(axis=1).argmin())
        for pk, at in wanted.items()
        if int(pk) in seen.cars
    }


def _gap(plan, place):
    if plan.runner_x is None:
        return float("inf")
    return hypot(plan.runner_x - place.x, plan.runner_y - place.y)


def _finite(seconds):
    return seconds if seconds < float("inf") else None


def _answer_key(plan_id):
    return f"roadblock:plan-made:{plan_id}"


@contextmanager
def _alone(what):
    """Yield whether nobody else is at this; a lost lock opens again by itself."""
    key = f"roadblock:busy:{what}"
    alone = bool(valkey().set(key, b"1", nx=True, ex=LOCK_SECONDS))
    try:
        yield alone
    finally:
        if alone:
            valkey().delete(key)
