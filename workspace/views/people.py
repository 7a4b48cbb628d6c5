"""People."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from config.copies import KeepsCopy
from workspace.serializers.people import UserSerializer


class Me(KeepsCopy, APIView):
    copies_of = "people"

    @extend_schema(responses=UserSerializer)
    def get(self, request):
        return Response(UserSerializer(request.user).data)
