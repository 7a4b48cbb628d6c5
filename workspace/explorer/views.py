"""The explorer over HTTP: run, cancel, export, save."""

from django.conf import settings
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from explorer.models import Query
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import Forbidden, NotFound
from config.parsers import JSON
from workspace.explorer import runs, saving
from workspace.explorer.exports import LINES, Export
from workspace.explorer.runs import PageRun
from workspace.explorer.serializers import QuerySerializer, RunSerializer
from workspace.models import QueryRun
from workspace.views.bodies import valid

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


class MayExplore(BasePermission):
    def has_permission(self, request, view):
        return settings.EXPLORER_PERMISSION_VIEW(request)


class ExplorerView(APIView):
    permission_classes = [MayExplore]
    parser_classes = [JSON]

    def own_run(self, pk):
        """Return a run of the caller's, for superusers anybody's."""
        run = get_object_or_404(QueryRun, pk=pk)
        user = self.request.user
        if run.run_by_user_id != user.pk and not user.is_superuser:
            raise Forbidden
        return run


class Runs(ExplorerView):
    """Run a statement; the answer is lines of JSON, the last one the outcome."""

    @extend_schema(
        request=RunSerializer,
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR},
    )
    def post(self, request):
        run = PageRun(user=request.user, **valid(RunSerializer, request))
        return StreamingHttpResponse(
            run,
            content_type="application/x-ndjson",
            # A proxy that collects the lines would hold back the run's number.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


class Cancel(ExplorerView):
    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    def post(self, request, pk):
        return Response({"cancelled": runs.cancel(self.own_run(pk))})


class Exports(ExplorerView):
    """Run a statement again, all of it into a file."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request, pk, form):
        if form not in LINES:
            raise NotFound
        run = self.own_run(pk)
        export = Export(user=request.user, sql=run.sql, query=run.query, form=form)
        return StreamingHttpResponse(
            export,
            content_type=TYPES[form],
            headers={
                "Content-Disposition": f'attachment; filename="query-{pk}.{form}"',
                "Cache-Control": "no-store",
            },
        )


class Queries(ExplorerView):
    @extend_schema(request=QuerySerializer, responses={201: QuerySerializer})
    def post(self, request):
        query = saving.save(
            Query(), user=request.user, **valid(QuerySerializer, request)
        )
        return Response(QuerySerializer(query).data, 201)


class OneQuery(ExplorerView):
    @extend_schema(request=QuerySerializer, responses=QuerySerializer)
    def put(self, request, pk):
        query = saving.save(
            get_object_or_404(Query, pk=pk),
            user=request.user,
            **valid(QuerySerializer, request),
        )
        return Response(QuerySerializer(query).data)

    @extend_schema(responses={204: None})
    def delete(self, request, pk):
        saving.delete(get_object_or_404(Query, pk=pk), user=request.user)
        return Response(status=204)
