"""Shared files over HTTP: which there are, one to a server, and one from there."""

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from config import shared_files
from sshops import fields, shared_transfers, tasks
from sshops.answers import View
from sshops.commands import Caller
from sshops.lists import limit_in_query
from sshops.server_views import NAME
from sshops.transfer_views import USE_TRANSFER, RateLimit, TransferRunSerializer


class SharedFileSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    stored_at = fields.Moment()


class SharedFilesSerializer(serializers.Serializer):
    items = SharedFileSerializer(many=True)


class SharedFiles(View):
    right = USE_TRANSFER

    @extend_schema(
        parameters=[
            OpenApiParameter("search", str),
            OpenApiParameter("limit", int, default=100),
        ],
        responses=SharedFilesSerializer,
    )
    def get(self, request):
        """List the files that people share, the newest first."""
        search = request.query_params.get("search", "").replace("\0", "")
        found = shared_files.keeper().listed(
            request.user, search, limit_in_query(request)
        )
        return Response(SharedFilesSerializer({"items": found}).data)


class Asking(View):
    """Queues a run, which goes on whether or not anybody looks."""

    right = USE_TRANSFER

    def asked(self, request, form_class):
        form = form_class(data=request.data)
        form.is_valid(raise_exception=True)
        caller = Caller(request.user, "", request.META.get("REMOTE_ADDR", ""))
        return caller, form.validated_data

    def queued(self, run):
        transaction.on_commit(lambda: tasks.nudge(run.pk))
        return Response(TransferRunSerializer(run).data, 201)


class SendingSerializer(serializers.Serializer):
    shared_file = fields.Text(max_length=64)
    path = fields.Text(max_length=4096)
    rate_limit = RateLimit()


@extend_schema(parameters=[NAME])
class Send(Asking):
    @extend_schema(request=SendingSerializer, responses={201: TransferRunSerializer})
    def post(self, request, name):
        """Send a shared file to a path on the server, or into a folder there."""
        caller, said = self.asked(request, SendingSerializer)
        run = shared_transfers.send(
            *(caller, name, said["shared_file"], said["path"]),
            rate_limit=said["rate_limit"],
        )
        return self.queued(run)


class FetchingSerializer(serializers.Serializer):
    path = fields.Text(max_length=4096)
    name = fields.Text(max_length=255, allow_blank=True, default="")
    rate_limit = RateLimit()


@extend_schema(parameters=[NAME])
class Fetch(Asking):
    @extend_schema(request=FetchingSerializer, responses={201: TransferRunSerializer})
    def post(self, request, name):
        """Make a file on the server a shared file, of its name unless said."""
        caller, said = self.asked(request, FetchingSerializer)
        run = shared_transfers.fetch(
            *(caller, name, said["path"]),
            name=said["name"],
            rate_limit=said["rate_limit"],
        )
        return self.queued(run)
