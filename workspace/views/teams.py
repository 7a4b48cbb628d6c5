"""Teams: found, invite, join, leave, hand over."""

from django.db.models import Prefetch
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import NotFound, path_id
from config.parsers import JSON
from config.schema import ID
from workspace import teams
from workspace.models import Invitation, Membership, Team
from workspace.serializers.teams import (
    HandOverSerializer,
    InviteSerializer,
    TeamNameSerializer,
    TeamRoleSerializer,
    TeamSerializer,
    TeamsSerializer,
)
from workspace.views.bodies import valid

UID = OpenApiParameter("uid", OpenApiTypes.UUID, OpenApiParameter.PATH)


class TeamView(APIView):
    """A view of teams that the person sees; each answers the team as it is now."""

    parser_classes = [JSON]

    def teams(self):
        members = Prefetch("memberships", Membership.objects.select_related("user"))
        invited = Invitation.objects.select_related("user", "invited_by")
        return Team.objects.visible_to(self.request.user).prefetch_related(
            members, Prefetch("invitations", invited)
        )

    def team(self, id):
        team = Team.objects.visible_to(self.request.user).filter(pk=path_id(id)).first()
        if team is None:
            raise NotFound
        return team

    def answer(self, team, status=200):
        """Answer a team; nothing of one that the person sees no longer."""
        seen = self.teams().filter(pk=team.pk).first()
        return Response(TeamSerializer(seen).data if seen else {}, status)


class Teams(TeamView):
    @extend_schema(operation_id="workspace_teams_list", responses=TeamsSerializer)
    def get(self, request):
        """All that one is in or invited to; administrators see all."""
        return Response(TeamsSerializer({"teams": self.teams()}).data)

    @extend_schema(request=TeamNameSerializer, responses={201: TeamSerializer})
    def post(self, request):
        team = teams.found(**valid(TeamNameSerializer, request), by=request.user)
        return self.answer(team, 201)


@extend_schema(parameters=[ID])
class OneTeam(TeamView):
    @extend_schema(responses=TeamSerializer)
    def get(self, request, id):
        return self.answer(self.team(id))

    @extend_schema(request=TeamNameSerializer, responses=TeamSerializer)
    def patch(self, request, id):
        team = self.team(id)
        teams.rename(team, **valid(TeamNameSerializer, request), by=request.user)
        return self.answer(team)

    @extend_schema(responses={204: None})
    def delete(self, request, id):
        teams.disband(self.team(id), by=request.user)
        return Response(status=204)


@extend_schema(parameters=[ID])
class Invitations(TeamView):
    @extend_schema(request=InviteSerializer, responses={201: TeamSerializer})
    def post(self, request, id):
        team = self.team(id)
        teams.invite(team, **valid(InviteSerializer, request), by=request.user)
        return self.answer(team, 201)


@extend_schema(parameters=[ID, UID])
class OneInvitation(TeamView):
    @extend_schema(responses=TeamSerializer)
    def delete(self, request, id, uid):
        team = self.team(id)
        teams.withdraw(team, uid, by=request.user)
        return self.answer(team)


@extend_schema(parameters=[ID])
class Join(TeamView):
    @extend_schema(request=None, responses=TeamSerializer)
    def post(self, request, id):
        team = self.team(id)
        teams.join(team, user=request.user)
        return self.answer(team)


@extend_schema(parameters=[ID])
class Leave(TeamView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request, id):
        teams.leave(self.team(id), user=request.user)
        return Response(status=204)


@extend_schema(parameters=[ID])
class HandOver(TeamView):
    @extend_schema(request=HandOverSerializer, responses=TeamSerializer)
    def post(self, request, id):
        team = self.team(id)
        teams.hand_over(team, **valid(HandOverSerializer, request), by=request.user)
        return self.answer(team)


@extend_schema(parameters=[ID, UID])
class Member(TeamView):
    @extend_schema(request=TeamRoleSerializer, responses=TeamSerializer)
    def put(self, request, id, uid):
        team = self.team(id)
        values = valid(TeamRoleSerializer, request)
        teams.set_role(team, uid, **values, by=request.user)
        return self.answer(team)

    @extend_schema(responses=TeamSerializer)
    def delete(self, request, id, uid):
        team = self.team(id)
        teams.remove(team, uid, by=request.user)
        return self.answer(team)
