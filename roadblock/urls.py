"""HTTP paths below /roadblock/; `api/…` is the prefix that old clients have."""

from django.urls import include, path

from roadblock import plan_views, views

api = [
    path("vehicles", views.Vehicles.as_view(), name="vehicles"),
    path("vehicles/events", views.Events.as_view(), name="events"),
    path("vehicles/events/stream", views.event_log, name="event-log"),
    path("vehicles/<id>", views.OneVehicle.as_view(), name="vehicle"),
    path("chases", views.Chases.as_view(), name="chases"),
    path("chases/<id>/plan", plan_views.AskForPlan.as_view(), name="ask-for-plan"),
    path("chases/<id>/plans", plan_views.Plans.as_view(), name="plans"),
    path("chases/<id>/plans/<plan_id>", plan_views.OnePlan.as_view(), name="one-plan"),
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
