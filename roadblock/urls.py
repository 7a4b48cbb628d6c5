"""HTTP paths below /roadblock/; `api/…` is the prefix that old clients have."""

from django.urls import include, path

from roadblock import views

api = [
    path("vehicles", views.Vehicles.as_view(), name="vehicles"),
    path("vehicles/events", views.Events.as_view(), name="events"),
    path("vehicles/events/stream", views.event_log, name="event-log"),
    path("vehicles/<id>", views.OneVehicle.as_view(), name="vehicle"),
    path("chases", views.Chases.as_view(), name="chases"),
    path("maps", views.Maps.as_view(), name="maps"),
    path("maps/<id>", views.OneMap.as_view(), name="map"),
]

app_name = "roadblock"
urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    *api,
    path("api", views.Home.as_view()),
    path("api/", include((api, "api"))),
]
