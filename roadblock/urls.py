"""HTTP paths below /roadblock/; `api/…` is the prefix that old clients have."""

from django.urls import include, path

from roadblock import plan_views, replay_views, views, zone_views

api = [
    path("vehicles", views.Vehicles.as_view(), name="vehicles"),
    path("vehicles/events", views.Events.as_view(), name="events"),
    path("vehicles/events/stream", views.event_log, name="event-log"),
    path("vehicles/<id>", views.OneVehicle.as_view(), name="vehicle"),
    path("chases", views.Chases.as_view(), name="chases"),
    path("chases/<id>/plan", plan_views.AskForPlan.as_view(), name="ask-for-plan"),
    path("chases/<id>/plans", plan_views.Plans.as_view(), name="plans"),
    path("chases/<id>/plans/<plan_id>", plan_views.OnePlan.as_view(), name="one-plan"),
    path("chases/<id>/recording", replay_views.Recording.as_view(), name="recording"),
    path("chases/<id>/export.<form>", replay_views.Export.as_view(), name="export"),
    path("chases/<id>/share", replay_views.Share.as_view(), name="share"),
    path(
        "shared/<token>/recording",
        replay_views.SharedRecording.as_view(),
        name="shared-recording",
    ),
    path(
        "shared/<token>/roads", replay_views.SharedRoads.as_view(), name="shared-roads"
    ),
    path("reports", replay_views.Report.as_view(), name="reports"),
    path("reports.csv", replay_views.ReportFile.as_view(), name="reports-file"),
    path("zones", zone_views.Zones.as_view(), name="zones"),
    path("zones/<id>", zone_views.OneZone.as_view(), name="zone"),
    path("alerts", zone_views.Alerts.as_view(), name="alerts"),
    path("alerts/stream", zone_views.alert_stream, name="alert-stream"),
    path("maps", views.Maps.as_view(), name="maps"),
    path("maps/<id>", views.OneMap.as_view(), name="map"),
]

app_name = "roadblock"
urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("chases/<id>/replay", replay_views.replay_page, name="replay"),
    path("shared/<token>", replay_views.shared_page, name="shared"),
    path("report", replay_views.report_page, name="report"),
    *api,
    path("api", views.Home.as_view()),
    path("api/", include((api, "api"))),
]
