"""HTTP paths below /roadblock/."""

from django.http import HttpResponse
from django.urls import path

app_name = "roadblock"
urlpatterns = [path("", lambda request: HttpResponse("soon"), name="home")]
