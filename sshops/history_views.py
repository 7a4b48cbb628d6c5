"""Load history and patch notes over HTTP, as their old clients know them."""

from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from config.errors import Invalid, path_id, problem
from config.errors import NotFound as NoSuchId
from config.pagination import number_in_query
from config.schema import ID
from sshops import fields, history
from sshops.answers import View
from sshops.errors import NotFound
from sshops.lists import PAGE, limit_in_query, page_of, page_serializer
from sshops.models import LoadHistory, PatchNote

MOST_SECONDS = 86_400
MOST_CUSTOMERS = 10_000


def rights(model):
    """Return the permission that each method asks for."""
    name = model._meta.model_name
    verbs = {"GET": "view", "POST": "add", "PATCH": "change", "DELETE": "delete"}
    return {method: f"sshops.{verb}_{name}" for method, verb in verbs.items()}


def checked(serializer, request):
    """Return what a serializer makes of the body; raise ValidationError."""
    form = serializer(data=request.data)
    form.is_valid(raise_exception=True)
    return form.validated_data


def text_in_path(name):
    return OpenApiParameter(name, str, OpenApiParameter.PATH)


def text_in_query(request, name):
    text = request.query_params.get(name)
    return None if text is None else text.replace("\0", "\ufffd")


# Loads


class NewLoads(serializers.Serializer):
    batch_id = fields.Text(max_length=36)
    customer_numbers = serializers.ListField(
        child=fields.Text(validators=[RegexValidator(r"\A[0-9]{9,10}\Z")]),
        min_length=1,
        max_length=MOST_CUSTOMERS,
    )
    client_ip = fields.Text(max_length=50, allow_blank=True)
    connection_id = fields.Text(
        max_length=36, allow_null=True, allow_blank=True, default=None
    )
    execution_time_seconds = fields.Number(max_value=MOST_SECONDS)
    started_at = fields.Moment()
    completed_at = fields.Moment()

    def validate_execution_time_seconds(self, seconds):
        if not seconds > 0:
            raise serializers.ValidationError(_("More than 0."), "greater_than")
        return seconds


class LoadSerializer(serializers.ModelSerializer):
    started_at = fields.Moment()
    completed_at = fields.Moment()
    created_at = fields.Moment()
    updated_at = fields.Moment(allow_null=True)

    class Meta:
        model = LoadHistory
        fields = [
            *("id", "batch_id", "customer_number", "client_ip", "connection_id"),
            *("execution_time_seconds", "started_at", "completed_at", "created_at"),
            *("updated_at", "note"),
        ]


class BatchSummary(LoadSerializer):
    total_customers = serializers.IntegerField()

    class Meta:
        model = LoadHistory
        fields = [
            *("batch_id", "total_customers", "client_ip", "execution_time_seconds"),
            *("started_at", "completed_at", "created_at"),
        ]


class Note(serializers.Serializer):
    note = fields.Text(max_length=1000, allow_blank=True)


class Loads(View):
    right = rights(LoadHistory)

    @extend_schema(
        operation_id="sshops_loads_list",
        parameters=[
            OpenApiParameter("customer_number"),
            OpenApiParameter("client_ip"),
            OpenApiParameter("note", description="A part of the note, in any case."),
            *PAGE,
        ],
        responses=page_serializer("LoadPage", LoadSerializer),
    )
    def get(self, request):
        """List loads, the newest first."""
        names = ("customer_number", "client_ip", "note")
        rows = history.loads(**{name: text_in_query(request, name) for name in names})
        return Response(page_of(request, rows, LoadSerializer))

    @extend_schema(request=NewLoads, responses={201: OpenApiTypes.OBJECT})
    def post(self, request):
        """Store a load of each customer, all or none."""
        values = checked(NewLoads, request)
        count = history.store(caller_ip=request.META.get("REMOTE_ADDR", ""), **values)
        return Response(
            {
                "success": True,
                "message": _("{count} loads stored.").format(count=count),
                "batch_id": values["batch_id"],
                "inserted_count": count,
            },
            201,
        )

    @extend_schema(
        parameters=[OpenApiParameter("days", int, default=90)],
        responses=OpenApiTypes.OBJECT,
    )
    def delete(self, request):
        """Forget what is older than so many days, 30 to 365."""
        days = number_in_query(request, "days", 90)
        if not 30 <= days <= 365:
            text = _("From 30 to 365.")
            raise Invalid(problem(["query", "days"], text, "range", days))
        count = history.forget(days)
        return Response(
            {
                "success": True,
                "message": _("{count} loads deleted.").format(count=count),
                "deleted_count": count,
                "retention_days": days,
            }
        )


def number_of(id, unknown):
    """Return the id in a path; raise `unknown` for one that no row can have."""
    try:
        return path_id(id, positive=False)
    except NoSuchId as error:
        raise unknown from error


@extend_schema(parameters=[ID])
class OneLoad(View):
    right = rights(LoadHistory)

    @extend_schema(responses=LoadSerializer)
    def get(self, request, id):
        return Response(LoadSerializer(history.load(number_of(id, NotFound))).data)


@extend_schema(parameters=[ID])
class LoadNote(View):
    right = rights(LoadHistory)

    @extend_schema(request=Note, responses=OpenApiTypes.OBJECT)
    def patch(self, request, id):
        """Give a load a note."""
        number = number_of(id, NotFound)
        history.annotate(number, checked(Note, request)["note"])
        return Response({"success": True, "message": _("Noted."), "history_id": number})


class Batch(View):
    right = rights(LoadHistory)

    @extend_schema(parameters=[text_in_path("batch_id")], responses=BatchSummary)
    def get(self, request, batch_id):
        """Sum a batch up."""
        row = history.batch(batch_id.replace("\0", "\ufffd"))
        return Response(BatchSummary(row).data)


class CustomerLoads(View):
    right = rights(LoadHistory)

    @extend_schema(
        parameters=[
            text_in_path("customer_number"),
            OpenApiParameter("limit", int, default=10),
        ],
        responses=LoadSerializer(many=True),
    )
    def get(self, request, customer_number):
        """List the loads of a customer, the newest first."""
        limit = limit_in_query(request, 10, most=100)
        rows = history.loads(customer_number=customer_number.replace("\0", "\ufffd"))
        return Response(LoadSerializer(rows[:limit], many=True).data)


# Patch notes


class NewPatchNote(serializers.Serializer):
    title = fields.Text(max_length=200)
    content = fields.Text()
    patch_date = fields.Day()


class PatchNoteChange(serializers.Serializer):
    title = fields.Text(max_length=200, allow_null=True, default=None)
    content = fields.Text(allow_null=True, default=None)
    patch_date = fields.Day(allow_null=True, default=None)


class PatchNoteSerializer(serializers.ModelSerializer):
    patch_date = fields.Day()
    created_at = fields.Moment()
    updated_at = fields.Moment(allow_null=True)

    class Meta:
        model = PatchNote
        fields = ["id", "title", "content", "patch_date", "created_at", "updated_at"]


def day_in_query(request, name):
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return fields.Day().run_validation(text)
    except serializers.ValidationError as error:
        text = str(error.detail[0])
        raise Invalid(problem(["query", name], text, "date_parsing")) from error


def kept(row, text):
    return {"success": True, "message": text, "patch_note_id": row}


class PatchNotes(View):
    right = rights(PatchNote)

    @extend_schema(
        operation_id="sshops_patch_notes_list",
        parameters=[
            OpenApiParameter("start_date", OpenApiTypes.DATE),
            OpenApiParameter("end_date", OpenApiTypes.DATE),
            *PAGE,
        ],
        responses=page_serializer("PatchNotePage", PatchNoteSerializer),
    )
    def get(self, request):
        """List patch notes, the newest first."""
        rows = history.notes(
            first=day_in_query(request, "start_date"),
            last=day_in_query(request, "end_date"),
        )
        return Response(page_of(request, rows, PatchNoteSerializer))

    @extend_schema(request=NewPatchNote, responses={201: OpenApiTypes.OBJECT})
    def post(self, request):
        row = history.add_note(**checked(NewPatchNote, request))
        return Response(kept(row.pk, _("The patch note is stored.")), 201)


@extend_schema(parameters=[ID])
class OnePatchNote(View):
    right = rights(PatchNote)

    @extend_schema(responses=PatchNoteSerializer)
    def get(self, request, id):
        row = history.note(number_of(id, history.UnknownNote))
        return Response(PatchNoteSerializer(row).data)

    @extend_schema(request=PatchNoteChange, responses=PatchNoteSerializer)
    def patch(self, request, id):
        """Change what is given and not null."""
        number = number_of(id, history.UnknownNote)
        row = history.change_note(number, **checked(PatchNoteChange, request))
        return Response(PatchNoteSerializer(row).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def delete(self, request, id):
        number = number_of(id, history.UnknownNote)
        history.drop_note(number)
        return Response(kept(number, _("The patch note is deleted.")))
