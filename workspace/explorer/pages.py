"""The explorer's pages: the desk with editor, result and chart; a table's columns."""

import json

from django.contrib.auth.views import redirect_to_login
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.generic import TemplateView
from explorer.models import Query
from explorer.views.auth import PermissionRequiredMixin

from config.errors import NotFound, Unavailable
from workspace.explorer import catalogue, saving
from workspace.explorer.serializers import QuerySerializer
from workspace.models import Chart


def no_permission(request):
    """Answer who may not explore (EXPLORER_NO_PERMISSION_VIEW)."""
    if request.user.is_authenticated:
        return render(request, "403.html", status=403)
    return redirect_to_login(request.get_full_path())


class Page(PermissionRequiredMixin, TemplateView):
    permission_required = "change_permission"

    def dispatch(self, request, *args, **kwargs):
        try:
            return super().dispatch(request, *args, **kwargs)
        except (Http404, NotFound):  # for people, where the app's own answer is JSON
            return render(request, "404.html", status=404)
        except Unavailable:
            return render(request, "500.html", status=503)


class Desk(Page):
    """Write SQL, run it, look at rows and chart; `?query=` opens a saved one, and
    `?table=` reads the first rows of a table."""

    template_name = "workspace/explorer/desk.html"

    def get_context_data(self):
        opened = self.opened()
        return {
            "tables": self.tables(),
            "queries": Query.objects.select_related("created_by_user"),
            "opened": opened and json.dumps(QuerySerializer(opened).data),
            "may_change": opened and saving.may_change(opened, self.request.user),
            "sample": self.sample(),
            "kinds": Chart.Kind.choices,
        }

    def opened(self):
        pk = self.request.GET.get("query", "")
        if not pk:
            return None
        if not (pk.isascii() and pk.isdecimal() and len(pk) < 10):
            raise Http404
        queries = Query.objects.select_related("chart", "created_by_user")
        return get_object_or_404(queries, pk=pk)

    def tables(self):
        """Return the tables that can be read; none while the role is away."""
        try:
            return catalogue.tables()
        except Unavailable:
            return []

    def sample(self):
        name = self.request.GET.get("table")
        return catalogue.sample(name) if name else ""


class Table(Page):
    """A table's columns: type, whether empty, default."""

    template_name = "workspace/explorer/table.html"

    def get_context_data(self, name):
        return {"table": catalogue.table(name)}
