"""The pages around chat: the chat itself, and two small ones to try sockets with."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import render
from drf_spectacular.utils import extend_schema
from rest_framework.views import APIView


def is_wanted(request):
    """Tell whether a browser asks, which a page serves better than JSON does."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("Accept", "")
        and "Authorization" not in request.headers
    )


@login_required
def chat(request):
    return render(request, "workspace/chat.html")


@extend_schema(exclude=True)
class TestPage(APIView):
    """A page that existing clients know, for whoever is signed in, by token too."""

    template = None

    def dispatch(self, request, *args, **kwargs):
        if is_wanted(request) and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        return render(request, self.template)
