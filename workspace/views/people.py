"""People: who is there, and what administrators do to them."""

import re

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from config import pagination
from config.copies import KeepsCopy
from config.errors import DomainError, NotFound
from config.parsers import JSON
from workspace import people
from workspace.models import Role, User
from workspace.serializers.people import (
    NewPersonSerializer,
    NewUserSerializer,
    OwnChangesSerializer,
    UserSerializer,
)
from workspace.views.bodies import valid

PAGE = 100
UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
USER_ID = OpenApiParameter("user_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


def person_of(user_id):
    """Return the person of a path's id; raise NotFound, for what is no id too."""
    if not UID.fullmatch(user_id):
        raise NotFound
    person = User.objects.filter(pk=user_id).first()
    if person is None:
        raise NotFound
    return person


class People(KeepsCopy, APIView):
    copies_of = "people"
    parser_classes = [JSON]

    def get_permissions(self):
        staff = [IsAdminUser()] if self.request.method == "POST" else []
        return [*super().get_permissions(), *staff]

    @extend_schema(
        operation_id="workspace_users_list",
        parameters=[
            *pagination.skip_and_limit(PAGE),
            OpenApiParameter("full_permission", int, description="1: all, for staff."),
        ],
        responses=UserSerializer(many=True),
    )
    def get(self, request):
        rows = User.objects.all()
        found = pagination.part(request, rows, PAGE)
        wants_all = request.query_params.get("full_permission") == "1"
        if wants_all and request.user.is_staff:
            found = rows
        return Response(UserSerializer(found, many=True).data)

    @extend_schema(request=NewUserSerializer, responses=UserSerializer)
    def post(self, request):
        values = valid(NewUserSerializer, request)
        return Response(UserSerializer(people.create(by=request.user, **values)).data)


class Register(APIView):
    permission_classes = [*APIView.permission_classes, IsAdminUser]
    parser_classes = [JSON]

    @extend_schema(request=NewPersonSerializer, responses={201: UserSerializer})
    def post(self, request):
        values = valid(NewPersonSerializer, request)
        person = people.create(by=request.user, **values)
        return Response(UserSerializer(person).data, 201)


class Me(KeepsCopy, APIView):
    copies_of = "people"

    @extend_schema(responses=UserSerializer)
    def get(self, request):
        return Response(UserSerializer(request.user).data)


class Profile(APIView):
    parser_classes = [JSON]

    @extend_schema(request=OwnChangesSerializer, responses=UserSerializer)
    def put(self, request):
        values = valid(OwnChangesSerializer, request, user=request.user)
        people.update_profile(request.user, **values)
        return Response(UserSerializer(request.user).data)


@extend_schema(parameters=[USER_ID])
class Person(KeepsCopy, APIView):
    copies_of = "people"

    @extend_schema(responses=UserSerializer)
    def get(self, request, user_id):
        return Response(UserSerializer(person_of(user_id)).data)


@extend_schema(parameters=[USER_ID])
class Change(APIView):
    """A verb of `people`, done by an administrator to somebody else."""

    permission_classes = [*APIView.permission_classes, IsAdminUser]
    verb = None

    @extend_schema(request=None, responses=UserSerializer)
    def put(self, request, user_id):
        person = person_of(user_id)
        people.check_may_change(request.user, person)
        self.act(person)
        return Response(UserSerializer(person).data)

    def act(self, person):
        self.verb(person)


class UnknownRole(DomainError):
    """The role is one of user, admin and viewer."""

    code = "unknown_role"


@extend_schema(parameters=[OpenApiParameter("role", enum=Role.values, required=True)])
class ChangeRole(Change):
    def act(self, person):
        role = self.request.query_params.get("role")
        if role not in Role.values:
            raise UnknownRole
        people.check_role(self.request.user, role)
        people.set_role(person, role)
