"""The app's front door, and whether it is well."""

from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from config import health
from workspace.views import chat_pages


class Home(APIView):
    """The app's greeting for programs; browsers get the chat page."""

    def dispatch(self, request, *args, **kwargs):
        if chat_pages.is_wanted(request):
            response = chat_pages.chat(request)
        else:
            response = super().dispatch(request, *args, **kwargs)
        patch_vary_headers(response, ["Accept"])
        return response

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response({"message": _("Welcome to the workspace.")})


class Health(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response(health.state())


class HealthCheck(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        return Response({"status": "ok", "message": _("The workspace is up.")})


class Documentation:
    """A page of the API's documentation, for people who signed in."""

    permission_classes = [IsAuthenticated]

    def handle_exception(self, error):
        """Answer errors as the rest of the app does, not as a page."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(error)


class Docs(Documentation, SpectacularSwaggerSplitView):
    pass


class Redoc(Documentation, SpectacularRedocView):
    pass
