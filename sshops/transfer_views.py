"""Transfers over HTTP: what there is to run, and what was run."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.response import Response

from config.schema import UID
from sshops import fields, tasks, transfers
from sshops.answers import View
from sshops.commands import Caller
from sshops.errors import AlreadyExists, Forbidden, NotFound
from sshops.lists import PAGE, page_of, page_serializer
from sshops.models import Server, Transfer, TransferFile, TransferRun
from sshops.models.servers import valid_name

NAME = OpenApiParameter("name", str, OpenApiParameter.PATH)
USE_TRANSFER = "sshops.use_transfer"
MOST_FILES = 1000  # of a run, that are shown with it


class ServerName(serializers.SlugRelatedField):
    """A server by its name; one that is not there is a field that does not fit."""

    def __init__(self, **kwargs):
        super().__init__(
            slug_field="name",
            queryset=Server.objects.without_secrets(),
            **kwargs,
        )

    def to_internal_value(self, data):
        if not isinstance(data, str) or "\0" in data:
            self.fail("invalid")
        return super().to_internal_value(data.lower())


class RateLimit(fields.Whole):
    """Bytes a second; null is as fast as it goes."""

    def __init__(self):
        super().__init__(min_value=1, max_value=2**62, allow_null=True, default=None)


class TransferSerializer(serializers.ModelSerializer):
    name = fields.Text(max_length=64, validators=[valid_name])
    source_server = ServerName()
    source_path = fields.Text(max_length=4096)
    target_server = ServerName()
    target_path = fields.Text(max_length=4096)
    description = fields.Text(max_length=500, allow_blank=True, default="")
    rate_limit = RateLimit()

    class Meta:
        model = Transfer
        fields = [
            *("name", "source_server", "source_path", "target_server", "target_path"),
            *("description", "rate_limit"),
        ]


class TransferRunSerializer(serializers.ModelSerializer):
    user = serializers.EmailField(source="user.email", default=None)
    source_server = serializers.CharField(source="source_server.name", default=None)
    target_server = serializers.CharField(source="target_server.name", default=None)
    created_at = fields.Moment()
    started_at = fields.Moment(allow_null=True)
    finished_at = fields.Moment(allow_null=True)
    bytes_a_second = serializers.SerializerMethodField()
    seconds_left = serializers.SerializerMethodField()

    class Meta:
        model = TransferRun
        fields = [
            *("id", "transfer_name", "kind", "source_server", "source_path"),
            *("target_server", "target_path", "shared_file", "rate_limit"),
            *("user", "state", "attempt", "created_at"),
            *("started_at", "finished_at", "files_total", "files_done"),
            *("bytes_total", "bytes_done", "bytes_a_second", "seconds_left"),
            *("error_code", "error"),
        ]

    def get_bytes_a_second(self, run) -> float | None:
        return transfers.speed_of(run)

    def get_seconds_left(self, run) -> float | None:
        return transfers.seconds_left(run)


class TransferFileSerializer(serializers.ModelSerializer):
    class Meta:
        model = TransferFile
        fields = ["source_path", "target_path", "size", "is_done", "sha256"]


class OneRunSerializer(TransferRunSerializer):
    """A run with its first files, and what they were found to be at both ends."""

    files = serializers.SerializerMethodField()

    class Meta(TransferRunSerializer.Meta):
        fields = [*TransferRunSerializer.Meta.fields, "files"]

    @extend_schema_field(TransferFileSerializer(many=True))
    def get_files(self, run):
        files = run.files.filter(is_folder=False)[:MOST_FILES]
        return TransferFileSerializer(files, many=True).data


class TransferView(View):
    """Who may use transfers sees those between servers of theirs; superusers change
    them."""

    def check_permissions(self, request):
        super().check_permissions(request)
        if request.method in ("GET", "HEAD", "OPTIONS"):
            if not request.user.has_perm(USE_TRANSFER):
                raise Forbidden
        elif not request.user.is_superuser:
            raise Forbidden

    def stored(self, form):
        form.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                return form.save()
        except IntegrityError as error:
            raise AlreadyExists from error


class Transfers(TransferView):
    @extend_schema(
        operation_id="sshops_transfers_list",
        parameters=PAGE,
        responses=page_serializer("TransferPage", TransferSerializer),
    )
    def get(self, request):
        """List the transfers that one may run, by name."""
        rows = Transfer.objects.visible_to(request.user)
        rows = rows.select_related("source_server", "target_server")
        return Response(page_of(request, rows, TransferSerializer))

    @extend_schema(request=TransferSerializer, responses={201: TransferSerializer})
    def post(self, request):
        transfer = self.stored(TransferSerializer(data=request.data))
        return Response(TransferSerializer(transfer).data, 201)


@extend_schema(parameters=[NAME])
class OneTransfer(TransferView):
    def found(self, request, name):
        try:
            return transfers.named(request.user, name)
        except transfers.UnknownTransfer as error:
            raise NotFound(_("There is no transfer of this name.")) from error

    @extend_schema(responses=TransferSerializer)
    def get(self, request, name):
        return Response(TransferSerializer(self.found(request, name)).data)

    @extend_schema(request=TransferSerializer, responses=TransferSerializer)
    def patch(self, request, name):
        """Change what is given and not null."""
        given = request.data
        if isinstance(given, dict):
            given = {key: value for key, value in given.items() if value is not None}
        transfer = self.stored(
            TransferSerializer(self.found(request, name), data=given, partial=True)
        )
        return Response(TransferSerializer(transfer).data)

    @extend_schema(responses={204: None})
    def delete(self, request, name):
        self.found(request, name).delete()
        return Response(status=204)


RELATED = ("user", "source_server", "target_server")


class NewTransferRun(serializers.Serializer):
    transfer_name = fields.Text(max_length=255)


class Runs(View):
    right = USE_TRANSFER

    @extend_schema(
        operation_id="sshops_transfer_runs_list",
        parameters=PAGE,
        responses=page_serializer("TransferRunPage", TransferRunSerializer),
    )
    def get(self, request):
        """List runs, the newest first: one's own, or all for a superuser."""
        rows = TransferRun.objects.visible_to(request.user).select_related(*RELATED)
        return Response(page_of(request, rows, TransferRunSerializer))

    @extend_schema(request=NewTransferRun, responses={201: TransferRunSerializer})
    def post(self, request):
        """Queue a run; it goes on whether or not anybody looks."""
        form = NewTransferRun(data=request.data)
        form.is_valid(raise_exception=True)
        caller = Caller(request.user, "", request.META.get("REMOTE_ADDR", ""))
        name = form.validated_data["transfer_name"]
        run = transfers.ask(caller, name, in_session=False)
        transaction.on_commit(lambda: tasks.nudge(run.pk))
        return Response(TransferRunSerializer(run).data, 201)


@extend_schema(parameters=[UID])
class OneRun(View):
    right = USE_TRANSFER

    def found(self, request, id):
        runs = TransferRun.objects.visible_to(request.user).select_related(*RELATED)
        run = runs.filter(pk=id).first()
        if run is None:
            raise NotFound(_("There is no such run."))
        return run

    @extend_schema(responses=OneRunSerializer)
    def get(self, request, id):
        return Response(OneRunSerializer(self.found(request, id)).data)

    @extend_schema(responses=OneRunSerializer)
    def delete(self, request, id):
        """Cancel a run; the files that have arrived stay."""
        tasks.cancel_transfer(self.found(request, id).pk)
        return Response(OneRunSerializer(self.found(request, id)).data)
