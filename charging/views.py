"""Reservations over HTTP: book, list, cancel; verify and match a plate; log in."""

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.cache import (
    get_conditional_response,
    patch_vary_headers,
    set_response_etag,
)
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework_simplejwt.tokens import AccessToken

from charging import (
    booking,
    cancelling,
    exports,
    idempotency,
    listings,
    matching,
    verifying,
)
from charging.booking import Driver
from charging.callers import ChargingView, StaffView, address_of, log_in
from charging.models import Reservation
from charging.serializers import (
    BatchSerializer,
    BookingSerializer,
    LoginSerializer,
    MatchSerializer,
    VerifySerializer,
    day_in_query,
    uuid_of,
    values_of,
)
from config.errors import DomainError
from config.schema import UID

DATE = OpenApiParameter("date", OpenApiTypes.DATE, required=True)
REASON_LENGTH = 300
SECRETS = [OpenApiParameter("email"), OpenApiParameter("plate")]


class SecretsMissing(DomainError):
    """Give both the e-mail address and the plate of the reservation."""

    code = "secrets_missing"


def secrets_of(request):
    """Return e-mail and plate of the query; raise SecretsMissing for a guest's one."""
    given = {
        name: request.query_params.get(name, "").strip() for name in ("email", "plate")
    }
    if not request.user.is_authenticated and not all(given.values()):
        raise SecretsMissing
    return given


def driver_of(request, values):
    """Take plate and address out of a booking's values; return the Driver."""
    user = request.user if request.user.is_authenticated else None
    address = values.pop("contact_email")
    if address is None and user is not None and not user.is_staff:
        address = user.email.lower()
    return Driver(values.pop("plate"), user, address)


class Health(ChargingView):
    guest_rate = None

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response({"status": "ok"})


class Sessions(ChargingView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response(listings.coming(request.user))


class BySession(ChargingView):
    """A day's reservations, bay by bay."""

    @extend_schema(parameters=[DATE], responses=OpenApiTypes.OBJECT)
    def get(self, request):
        date = day_in_query(request.query_params)
        day = {"sessions": listings.day(request.user, date)}
        response = HttpResponse(
            JSONRenderer().render(day),
            content_type="application/json",
            # It may be kept, but must be asked for again each time.
            headers={"Cache-Control": "no-cache"},
        )
        patch_vary_headers(response, ["Authorization", "Cookie"])
        set_response_etag(response)
        return get_conditional_response(request, response["ETag"], response=response)


class StaffBySession(StaffView, BySession):
    pass


class Creation(ChargingView):
    """A booking; with an `Idempotency-Key` it happens once, however often sent."""

    guest_rate = "CREATE"

    def create(self, request, serializer_class, reserve):
        values = values_of(serializer_class, request.data)
        driver = driver_of(request, values)

        def action():
            return reserve(driver=driver, **values)

        key = request.headers.get("Idempotency-Key")
        if key is None:
            answer = action()
        else:
            caller = str(request.user.pk or f"guest {address_of(request)}")
            sent = [request.path.rstrip("/"), request.data]
            answer = idempotency.once(key, caller, sent, action)
        return Response(answer, 201)


class Reservations(Creation):
    @extend_schema(request=BookingSerializer, responses={201: OpenApiTypes.OBJECT})
    def post(self, request):
        def reserve(**values):
            return listings.in_full(booking.reserve(**values))

        return self.create(request, BookingSerializer, reserve)


class Batches(Creation):
    @extend_schema(request=BatchSerializer, responses={201: OpenApiTypes.OBJECT})
    def post(self, request):
        def reserve(**values):
            return [listings.in_full(one) for one in booking.reserve_batch(**values)]

        return self.create(request, BatchSerializer, reserve)


class Mine(ChargingView):
    @extend_schema(parameters=SECRETS, responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response(listings.own(request.user, **secrets_of(request)))


def own_rows(request):
    """Return the reservations that this caller may touch; raise SecretsMissing."""
    rows = listings.matching(Reservation.objects.live(), **secrets_of(request))
    return rows.visible_to(request.user) if request.user.is_authenticated else rows


def path_uuid(text):
    """Return the UUID of a reservation's path; raise UnknownReservation."""
    try:
        return uuid_of(text)
    except ValueError as error:
        raise cancelling.UnknownReservation from error


@extend_schema(parameters=[UID])
class OneReservation(ChargingView):
    @extend_schema(parameters=SECRETS, responses=OpenApiTypes.OBJECT)
    def delete(self, request, id):
        user = request.user if request.user.is_authenticated else None
        cancelling.cancel(own_rows(request), path_uuid(id), by=user)
        return Response({"ok": True})


@extend_schema(parameters=[UID])
class StaffReservation(StaffView):
    @extend_schema(
        parameters=[OpenApiParameter("reason")], responses=OpenApiTypes.OBJECT
    )
    def delete(self, request, id):
        reason = request.query_params.get("reason", "").replace("\0", "")
        cancelling.cancel(
            Reservation.objects.live(),
            path_uuid(id),
            by=request.user,
            reason=reason[:REASON_LENGTH],
        )
        return Response({"ok": True})


@extend_schema(parameters=[UID])
class Calendar(ChargingView):
    """A reservation as an .ics file."""

    @extend_schema(parameters=SECRETS, responses={(200, "text/calendar"): str})
    def get(self, request, id):
        rows = own_rows(request).select_related("session")
        reservation = rows.filter(pk=path_uuid(id)).first()
        if reservation is None:
            raise cancelling.UnknownReservation
        return HttpResponse(
            exports.as_calendar(reservation, now=timezone.now()),
            content_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="reservation.ics"'},
        )


class Table(StaffView):
    """The reservations of some days as CSV."""

    @extend_schema(
        parameters=[
            OpenApiParameter(name, OpenApiTypes.DATE, required=True)
            for name in ("from", "to")
        ],
        responses={(200, "text/csv"): str},
    )
    def get(self, request):
        first = day_in_query(request.query_params, "from")
        last = day_in_query(request.query_params, "to")
        return StreamingHttpResponse(
            exports.as_table(first, last),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{first}-{last}.csv"'
            },
        )


class Verify(ChargingView):
    guest_rate = "MATCH"

    @extend_schema(request=VerifySerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request):
        values = values_of(VerifySerializer, request.data)
        bay = verifying.known_bay(values["bay"])
        window = refusal = None
        when = [values[name] for name in ("date", "start", "end")]
        if None not in when:
            window = verifying.possible_window(*when, is_staff=request.user.is_staff)
        against = verifying.conflict(bay=bay, plate=values["plate"], window=window)
        if against is None:
            refusal = verifying.refusal(bay, values["plate"], values["date"], window)
            message = refusal.text if refusal else _("This plate can be booked.")
            seen = None
        else:
            seen = listings.seen_by(request.user, listings.row_of(against))
            message = _("Already reserved: {date} {start}–{end}, bay {bay}.").format(
                date=seen["date"],
                start=seen["startTime"],
                end=seen["endTime"],
                bay=seen["sessionId"],
            )
        return Response(
            {
                "valid": not (against or refusal),
                "conflict": bool(against or refusal),
                "message": message,
                "conflictingReservation": seen,
            }
        )


class Match(ChargingView):
    guest_rate = "MATCH"

    @extend_schema(request=MatchSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request):
        values = values_of(MatchSerializer, request.data)
        found = matching.match(values["plate"], values["timestamp"])

        def seen(reservation):
            row = listings.row_of(reservation)
            return listings.seen_by(request.user, row)

        suggestion = None
        if found.suggestion is not None:
            suggestion = {
                "score": found.score,
                "reservation": seen(found.suggestion),
            }
        return Response(
            {
                "plate": values["plate"],
                "match": found.reservation is not None,
                "reservation": found.reservation and seen(found.reservation),
                "suggestion": suggestion,
            }
        )


class Login(ChargingView):
    """The accounts are the project's; a page of ours gets a session cookie too."""

    who = "user"
    staff_only = False

    @extend_schema(request=LoginSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request):
        pair = values_of(LoginSerializer, request.data)
        user = log_in(request, **pair, staff_only=self.staff_only)
        return Response(
            {"token": str(AccessToken.for_user(user)), self.who: {"email": user.email}},
            headers={"Cache-Control": "no-store"},
        )


class StaffLogin(Login):
    who = "admin"
    staff_only = True
