"""Plans of a chase over HTTP: read them, ask for one, try "what if"."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.response import Response

from config.errors import Conflict, DomainError, NotFound, path_id
from config.schema import ID
from roadblock import plans, situations, tasks
from roadblock.models import Chase, Plan
from roadblock.serializers import (
    PlanRequestSerializer,
    PlanSerializer,
    PlanWithHeatSerializer,
)
from roadblock.views import View, listing

PLANS_SHOWN = 50
ANSWER_SECONDS = 8.0  # how long a request waits for its plan
REASONS = {
    error.code: error
    for error in (situations.NoMap, situations.NobodyKnowsWhere, plans.ChaseOver)
}


class NotMadeYet(DomainError):
    """The plan is waiting for a worker; ask for it again."""

    status = 503
    code = "plan_waiting"


class MayPlan(BasePermission):
    """Everyone signed in may look; ordering cars about takes a permission."""

    def has_permission(self, request, view):
        return request.method != "POST" or request.user.has_perm(
            "roadblock.change_chase"
        )


def chase_of(id):
    chase = Chase.objects.select_related("runner").filter(pk=path_id(id)).first()
    if chase is None:
        raise NotFound
    return chase


@extend_schema(parameters=[ID])
class AskForPlan(View):
    """Make a plan now and give its orders; or, as a trial, tell what it would be."""

    http_method_names = ["post"]
    permission_classes = [IsAuthenticated, MayPlan]

    @extend_schema(
        request=PlanRequestSerializer, responses={201: PlanWithHeatSerializer}
    )
    def post(self, request, id):
        chase = chase_of(id)
        form = PlanRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wishes = dict(form.validated_data)
        goal, trial = wishes.pop("goal"), wishes.pop("trial")
        by_hand = Plan.Reason.MANUAL if "posts" in wishes else Plan.Reason.ASKED
        plan = plans.ask(
            chase, reason=by_hand, goal=goal, wishes=wishes, trial=trial,
            user=request.user,
        )  # fmt: skip
        tasks.nudge(plan.pk)
        plan = plans.wait_for(plan, ANSWER_SECONDS)
        if plan.failure:
            raise REASONS.get(plan.failure, Conflict)
        if plan.made_at is None:
            raise NotMadeYet
        return Response(PlanWithHeatSerializer(plan).data, status=201)


@extend_schema(parameters=[ID])
class Plans(View):
    """The plans of a chase, newest first; trials are left out."""

    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="roadblock_chases_plans_list",
        responses=listing("plans", PlanSerializer(many=True)),
    )
    def get(self, request, id):
        newest = (
            chase_of(id)
            .plans.filter(is_trial=False, made_at__isnull=False)
            .prefetch_related("roadblocks__unit")
            .defer("heat")[:PLANS_SHOWN]
        )
        return Response({"plans": PlanSerializer(newest, many=True).data})


PLAN_ID = OpenApiParameter("plan_id", int, OpenApiParameter.PATH)


@extend_schema(parameters=[ID, PLAN_ID])
class OnePlan(View):
    """A plan with the runner's probable roads."""

    http_method_names = ["get", "head"]

    @extend_schema(responses=PlanWithHeatSerializer)
    def get(self, request, id, plan_id):
        plans = chase_of(id).plans.exclude(made_at=None)
        plan = plans.filter(pk=path_id(plan_id, "plan_id")).first()
        if plan is None:
            raise NotFound
        return Response(PlanWithHeatSerializer(plan).data)
