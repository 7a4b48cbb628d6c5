"""Servers over HTTP. What is secret goes in, and never comes out."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.response import Response

from sshops import connections, fields, health, host_keys, servers, tasks
from sshops.answers import View
from sshops.errors import Forbidden, KeyProblem
from sshops.lists import PAGE, page_of, page_serializer
from sshops.models import Server
from sshops.models.servers import STOP_PHRASE, valid_name

NAME = OpenApiParameter("name", str, OpenApiParameter.PATH)


class HostKey(fields.Text):
    """A public key as in known_hosts, one line."""

    default_error_messages = {"no_key": _("Write type and key in one line.")}

    def to_internal_value(self, data):
        line = super().to_internal_value(data)
        if "\n" in line.strip():
            self.fail("no_key")
        try:
            return host_keys.parsed(line)
        except ValueError:
            self.fail("no_key")


class PrivateKey(fields.Text):
    """A private key in OpenSSH's or PEM form, without a pass phrase."""

    def to_internal_value(self, data):
        text = super().to_internal_value(data)
        try:
            connections.private_key(text)
        except KeyProblem as error:
            raise serializers.ValidationError(error.text) from error
        return text


class ServerValues(serializers.Serializer):
    """What a superuser sends; null counts as absent."""

    name = fields.Text(max_length=64, validators=[valid_name])
    host = fields.Text(max_length=255)
    port = fields.Whole(min_value=1, max_value=65535, default=22)
    username = fields.Text(max_length=64)
    password = fields.Text(max_length=1024, required=False, write_only=True)
    private_key = PrivateKey(max_length=65536, required=False, write_only=True)
    host_key = HostKey(max_length=16384, required=False)
    default_stop_phrase = fields.Text(
        max_length=512, allow_blank=True, default=STOP_PHRASE
    )
    description = fields.Text(max_length=500, allow_blank=True, default="")
    tags = serializers.ListField(
        child=fields.Text(max_length=64), max_length=50, default=list
    )
    is_active = serializers.BooleanField(default=True)

    def to_internal_value(self, data):
        if isinstance(data, dict):
            data = {name: value for name, value in data.items() if value is not None}
        return super().to_internal_value(data)

    def validate_host(self, host):
        if host != host.strip() or any(character.isspace() for character in host):
            raise serializers.ValidationError(_("A host has no blanks."))
        return host

    def validate_default_stop_phrase(self, phrase):
        if "\n" in phrase or "\r" in phrase:
            raise serializers.ValidationError(_("A stop phrase is within one line."))
        return phrase

    def validate(self, values):
        if not self.partial and not {"password", "private_key"} & set(values):
            text = _("A password or a private key is needed.")
            raise serializers.ValidationError({"password": [text]}, "missing")
        return values


class HealthSerializer(serializers.Serializer):
    server_name = serializers.CharField()
    host = serializers.CharField()
    port = serializers.IntegerField()
    is_healthy = serializers.BooleanField()
    last_checked = fields.Moment(allow_null=True)
    consecutive_failures = serializers.IntegerField()
    consecutive_successes = serializers.IntegerField()


class ServerSerializer(serializers.ModelSerializer):
    jump = serializers.CharField(source="jump.name", default=None)
    fingerprint = serializers.SerializerMethodField()
    health = serializers.SerializerMethodField()
    created_at = fields.Moment()
    updated_at = fields.Moment()

    class Meta:
        model = Server
        fields = [
            *("name", "host", "port", "username", "has_password", "has_private_key"),
            *("host_key", "fingerprint", "default_stop_phrase", "description", "tags"),
            *("jump", "is_active", "created_at", "updated_at", "health"),
        ]

    def get_fingerprint(self, server) -> str:
        return host_keys.fingerprint(server.host_key)

    @extend_schema_field(HealthSerializer)
    def get_health(self, server):
        return health.as_json(server, getattr(server, "health", None))


class MayLook(View):
    """Whoever works with servers sees those that are theirs; superusers change them."""

    right = None

    def check_permissions(self, request):
        super().check_permissions(request)
        user = request.user
        if request.method in ("GET", "HEAD", "OPTIONS"):
            names = ("use_terminal", "use_transfer", "view_server")
            if not any(user.has_perm(f"sshops.{name}") for name in names):
                raise Forbidden
        elif not user.is_superuser:
            raise Forbidden


def form_of(request, partial=False):
    form = ServerValues(data=request.data, partial=partial)
    form.is_valid(raise_exception=True)
    return form.validated_data


class Servers(MayLook):
    @extend_schema(
        operation_id="sshops_servers_list",
        parameters=PAGE,
        responses=page_serializer("ServerPage", ServerSerializer),
    )
    def get(self, request):
        """List the servers that one may use, by name."""
        rows = Server.objects.visible_to(request.user).select_related("health", "jump")
        return Response(page_of(request, rows, ServerSerializer))

    @extend_schema(request=ServerValues, responses={201: ServerSerializer})
    def post(self, request):
        """Store a server; it is checked at once."""
        server = servers.create(request.user, **form_of(request))
        look_at(server)
        return Response(ServerSerializer(server).data, 201)


@extend_schema(parameters=[NAME])
class OneServer(MayLook):
    @extend_schema(responses=ServerSerializer)
    def get(self, request, name):
        return Response(ServerSerializer(servers.visible(request.user, name)).data)

    @extend_schema(request=ServerValues, responses=ServerSerializer)
    def patch(self, request, name):
        """Change what is given and not null; the server is checked at once."""
        server = servers.visible(request.user, name)
        servers.change(server, request.user, **form_of(request, partial=True))
        look_at(server)
        return Response(
            ServerSerializer(servers.visible(request.user, server.name)).data
        )

    @extend_schema(responses={204: None})
    def delete(self, request, name):
        servers.delete(servers.visible(request.user, name))
        return Response(status=204)


def look_at(server):
    """Have a server checked now."""
    transaction.on_commit(lambda: tasks.look_at([server.pk]))
