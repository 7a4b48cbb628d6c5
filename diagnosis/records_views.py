"""Records over HTTP: the list, and of one record its figures, file and plots."""

import re
from datetime import datetime

from django.http import FileResponse
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.response import Response

from config.errors import Invalid, problem
from config.schema import ID
from diagnosis import accounts, analysis, fhir, patients, records
from diagnosis.models import RecordRead
from diagnosis.serializers import MetadataSerializer, RecordSerializer, TrendSerializer
from diagnosis.times import SEOUL
from diagnosis.views import PAGE, View, id_in_path, page_of

What = RecordRead.What
BEYOND_KEYS = 2**63


def patient_in_query(text):
    """Return the number of a patient; None for one that cannot be anybody's."""
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        raise ValueError(_("Not an integer."))
    return int(text) if len(text) < 20 and abs(int(text)) < BEYOND_KEYS else None


def moment_in_query(text):
    """Return a moment; without a zone it is Seoul's, a day is its midnight."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(_("No date or time in ISO 8601.")) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=SEOUL)


LIST_QUERY = {
    "patient_id": (patient_in_query, "int_parsing"),
    "start_date": (moment_in_query, "datetime_parsing"),
    "end_date": (moment_in_query, "datetime_parsing"),
}


def query_of(request):
    """Return the values of LIST_QUERY; raise Invalid with all that is wrong."""
    values, problems = {}, []
    for name, (read, kind) in LIST_QUERY.items():
        text = request.query_params.get(name)
        if text is None:
            problems.append(problem(["query", name], _("It is required."), "missing"))
            continue
        try:
            values[name] = read(text)
        except ValueError as error:
            problems.append(problem(["query", name], error, kind, text))
    if problems:
        raise Invalid(*problems)
    return values


class Records(View):
    @extend_schema(
        operation_id="diagnosis_records_list",
        parameters=[
            OpenApiParameter("patient_id", int, required=True),
            OpenApiParameter("start_date", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("end_date", OpenApiTypes.DATETIME, required=True),
            *PAGE,
        ],
        responses=RecordSerializer(many=True),
    )
    def get(self, request):
        query = query_of(request)
        found = records.between(
            request.user,
            query["patient_id"],
            query["start_date"],
            query["end_date"],
        )
        rows = page_of(request, found)
        accounts.doctor_of(request.user)
        return Response(RecordSerializer(rows, many=True).data)


class OneRecord(View):
    """A view of one record; every look at it is logged."""

    def result(self, request, id):
        number = id_in_path(id)
        accounts.doctor_of(request.user)
        return records.of_session(request.user, number)


@extend_schema(parameters=[ID])
class Metadata(OneRecord):
    @extend_schema(responses=MetadataSerializer)
    def get(self, request, id):
        result = self.result(request, id)
        records.note_read(request.user, result.recording.session, What.METADATA)
        return Response(MetadataSerializer(result).data)


@extend_schema(parameters=[ID])
class File(OneRecord):
    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request, id):
        result = self.result(request, id)
        file = records.opened(result)
        records.note_read(request.user, result.recording.session, What.FILE)
        return download(result.filename, file)


def download(filename, file):
    """Answer an open CSV; clients take the name as all that follows `filename=`."""
    return FileResponse(
        file,
        content_type="text/csv; charset=utf-8",
        as_attachment=True,
        filename=filename,
        headers={"Cache-Control": "private, no-cache"},
    )


@extend_schema(parameters=[ID])
class Analysis(OneRecord):
    """A record's plots and statistics, in true units."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, id):
        result = self.result(request, id)
        content = records.content(result)
        records.note_read(request.user, result.recording.session, What.ANALYSIS)
        figures = MetadataSerializer(result).data
        return Response(
            {"id": result.recording_id, **figures} | analysis.analyse(content)
        )


@extend_schema(parameters=[ID])
class Fhir(OneRecord):
    """A record as an Observation of FHIR R4."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, id):
        result = self.result(request, id)
        records.note_read(request.user, result.recording.session, What.FHIR)
        return Response(fhir.observation(result), content_type="application/fhir+json")


@extend_schema(parameters=[ID])
class Trend(View):
    """How a patient's scores went, for each test and level."""

    @extend_schema(responses=TrendSerializer(many=True))
    def get(self, request, id):
        number = id_in_path(id)
        accounts.doctor_of(request.user)
        patient = patients.owned(request.user, number)
        tests = [
            {"type": type, "level": level, "results": results}
            for type, level, results in records.trend(request.user, patient)
        ]
        records.note_trend(request.user, patient)
        return Response(TrendSerializer(tests, many=True).data)


urlpatterns = [
    path("diagnosis/record/list", Records.as_view(), name="records"),
    path("diagnosis/record/<id>/metadata", Metadata.as_view(), name="metadata"),
    path("diagnosis/record/<id>/file", File.as_view(), name="file"),
    path("diagnosis/record/<id>/analysis", Analysis.as_view(), name="analysis"),
    path("diagnosis/record/<id>/fhir", Fhir.as_view(), name="fhir"),
    # The same without the contract's second "diagnosis"; documented once.
    path("record/<id>/analysis", Analysis.as_view(schema=None)),
    path("record/<id>/fhir", Fhir.as_view(schema=None)),
    path("patients/<id>/trend", Trend.as_view(), name="trend"),
]
