"""Accounts, patients and sessions over HTTP.

Checks come in the order that clients know: a body that is no JSON (422), who asks
(401), the fields (422), the role (403), existence (404), ownership (403), state (400).
"""

from django.http import JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from config.auth import user_of_request
from config.errors import DomainError, Unauthorized, as_json, path_id
from config.pagination import number_in_query
from config.parsers import JSON
from config.realtime import in_thread
from config.schema import ID
from diagnosis import accounts, clinic, patients, sessions, watching
from diagnosis.models import Patient
from diagnosis.serializers import (
    HeadsetsSerializer,
    NewPatientSerializer,
    PairSerializer,
    PatientChangeSerializer,
    PatientSerializer,
    ProfileSerializer,
    RefreshTokenSerializer,
    RegisterSerializer,
    SessionSerializer,
    SignInSerializer,
    StartSerializer,
    WatchedSerializer,
)

PAGE = [
    OpenApiParameter("limit", int, description="All rows without it."),
    OpenApiParameter("offset", int),
]


def valid(serializer_class, request):
    """Return what the serializer makes of the body; raise ValidationError."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def id_in_path(text):
    """Return a path's id; negative ones are ids that nobody has."""
    return path_id(text, positive=False)


def page_of(request, rows):
    """Return the part of the rows that `limit` and `offset` name; all without them."""
    offset = number_in_query(request, "offset", 0)
    limit = number_in_query(request, "limit")
    return rows[offset:] if limit is None else rows[offset : offset + limit]


def origin_of(request):
    """Return where a request comes from, as sign-ins remember it."""
    return {
        "address": request.META.get("REMOTE_ADDR", ""),
        "user_agent": request.META.get("HTTP_USER_AGENT", ""),
    }


class View(APIView):
    """A view that takes JSON under any Content-Type."""

    parser_classes = [JSON]

    def perform_authentication(self, request):
        # Before all else a client is told of a body that is no JSON.
        request.data  # noqa: B018
        super().perform_authentication(request)


class OpenView(View):
    """A door that stands open; a stale token in the header must not shut it."""

    authentication_classes = []
    permission_classes = [AllowAny]


# Accounts


class Register(OpenView):
    @extend_schema(request=RegisterSerializer, responses={201: ProfileSerializer})
    def post(self, request):
        account = accounts.register(
            **valid(RegisterSerializer, request),
            address=origin_of(request)["address"],
        )
        return Response(ProfileSerializer(account).data, 201)


class Login(OpenView):
    @extend_schema(request=SignInSerializer, responses=PairSerializer)
    def post(self, request):
        pair = accounts.sign_in(
            **valid(SignInSerializer, request),
            **origin_of(request),
            request=request._request,
        )
        return answer_with(pair)


class Refresh(OpenView):
    @extend_schema(request=RefreshTokenSerializer, responses=PairSerializer)
    def post(self, request):
        token = valid(RefreshTokenSerializer, request)["refresh_token"]
        return answer_with(accounts.refresh(token, **origin_of(request)))


def answer_with(pair):
    """Answer a pair of tokens, which no cache may keep."""
    return Response(PairSerializer(pair).data, headers={"Cache-Control": "no-store"})


class Logout(View):
    @extend_schema(request=None, responses={200: None})
    def post(self, request):
        accounts.sign_out(request.user)
        return Response()


class Me(View):
    @extend_schema(responses=ProfileSerializer)
    def get(self, request):
        return Response(ProfileSerializer(accounts.account_of(request.user)).data)


# Patients


class Patients(View):
    @extend_schema(
        operation_id="diagnosis_patients_list",
        parameters=PAGE,
        responses=PatientSerializer(many=True),
    )
    def get(self, request):
        present = Patient.objects.present().visible_to(request.user)
        rows = page_of(request, present)
        accounts.doctor_of(request.user)
        return Response(PatientSerializer(rows, many=True).data)

    @extend_schema(request=NewPatientSerializer, responses={201: PatientSerializer})
    def post(self, request):
        values = valid(NewPatientSerializer, request)
        patient = patients.add(accounts.doctor_of(request.user), **values)
        return Response(PatientSerializer(patient).data, 201)


@extend_schema(parameters=[ID])
class OnePatient(View):
    @extend_schema(request=PatientChangeSerializer, responses=PatientSerializer)
    def put(self, request, id):
        number = id_in_path(id)
        name = valid(PatientChangeSerializer, request)["name"]
        accounts.doctor_of(request.user)
        patient = patients.owned(request.user, number)
        if name is not None:
            patients.rename(patient, name)
        return Response(PatientSerializer(patient).data)

    @extend_schema(responses={204: None})
    def delete(self, request, id):
        number = id_in_path(id)
        accounts.doctor_of(request.user)
        patients.remove(patients.owned(request.user, number), by=request.user)
        return Response(status=204)


class Headsets(View):
    """Which of the caller's patients have their headset on the line."""

    @extend_schema(responses=HeadsetsSerializer)
    def get(self, request):
        accounts.doctor_of(request.user)
        return Response({"patient_ids": clinic.headsets(request.user)})


# Sessions


@extend_schema(parameters=[ID])
class Sessions(View):
    """A patient's sessions, however they ended, newest first."""

    @extend_schema(
        operation_id="diagnosis_sessions_list",
        parameters=PAGE,
        responses=WatchedSerializer(many=True),
    )
    def get(self, request, id):
        number = id_in_path(id)
        accounts.doctor_of(request.user)
        patient = patients.owned(request.user, number)
        rows = page_of(request, clinic.sessions_of(patient))
        return Response(WatchedSerializer(rows, many=True).data)


class Start(View):
    @extend_schema(request=StartSerializer, responses={201: SessionSerializer})
    def post(self, request):
        values = valid(StartSerializer, request)
        doctor = accounts.doctor_of(request.user)
        patient = patients.owned(request.user, values.pop("patient_id"))
        session = sessions.start(doctor=doctor, patient=patient, **values)
        return Response(SessionSerializer(session).data, 201)


class Live(View):
    @extend_schema(responses=SessionSerializer)
    def get(self, request):
        session = sessions.live_of(accounts.doctor_of(request.user))
        return Response(SessionSerializer(session).data)


@extend_schema(parameters=[ID])
class Cancel(View):
    @extend_schema(request=None, responses={200: None})
    def post(self, request, id):
        number = id_in_path(id)
        accounts.doctor_of(request.user)
        session = sessions.owned(request.user, number)
        sessions.cancel(session.pk, by=request.user)
        return Response()


@csrf_exempt
async def status(request, id):
    """Send a session's state, and each change of it, as server-sent events."""
    if request.method != "GET":
        refusal = MethodNotAllowed(request.method)
        return JsonResponse(
            {"detail": str(refusal.detail), "code": refusal.default_code},
            status=refusal.status_code,
            headers={"Allow": "GET"},
        )
    try:
        user = await user_of_request(request)
        if not user.is_authenticated:
            raise Unauthorized
        number = id_in_path(id)
        await in_thread(accounts.doctor_of, user)
        session = await in_thread(sessions.owned, user, number)
    except DomainError as error:
        return as_json(error)
    return StreamingHttpResponse(
        watching.stream(session.pk, request.headers.get("Last-Event-ID", "")),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
