"""The pages that describe this app's HTTP API, for who is signed in."""

from django.shortcuts import redirect
from django.urls import include, path
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer

from sshops.answers import View

SCHEMA = "sshops:openapi"


class Described(View):
    permission_classes = [IsAuthenticated]
    schema = None

    def handle_exception(self, error):
        """Answer errors as the rest of the app does, not as a page."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(error)


class Schema(Described, SpectacularAPIView):
    renderer_classes = [OpenApiJsonRenderer]

    @property
    def patterns(self):
        """Only what is below this app; the project has a schema of its own."""
        return [path("sshops/", include("sshops.urls"))]


class Swagger(Described, SpectacularSwaggerSplitView):
    url_name = SCHEMA
    url_name_self = "sshops:swagger"


class Redoc(Described, SpectacularRedocView):
    url_name = SCHEMA


def to_swagger(request):
    """Send programs that ask for no page to the description, with a 307."""
    return redirect("sshops:swagger", preserve_request=True)


docs_paths = [
    path("openapi.json", Schema.as_view(), name="openapi"),
    path("swagger/docs", Swagger.as_view(), name="swagger"),
    path("redoc", Redoc.as_view(), name="redoc"),
]
