"""HTTP paths below /diagnosis/; `api/…` is the prefix that old clients have."""

from django.urls import include, path

from diagnosis import page_views, records_views, views

auth = [
    path("auth/register", views.Register.as_view(), name="register"),
    path("auth/login", views.Login.as_view(), name="login"),
    path("auth/refresh", views.Refresh.as_view(), name="refresh"),
    path("auth/logout", views.Logout.as_view(), name="logout"),
    path("auth/me", views.Me.as_view(), name="me"),
]
patients = [
    path("patients", views.Patients.as_view(), name="patients"),
    path("patients/<id>", views.OnePatient.as_view(), name="patient"),
    path("headsets", views.Headsets.as_view(), name="headsets"),
]
sessions = [
    path("patients/<id>/sessions", views.Sessions.as_view(), name="sessions"),
    path("diagnosis/start", views.Start.as_view(), name="start"),
    path("diagnosis/live", views.Live.as_view(), name="live"),
    path("diagnosis/<id>/cancel", views.Cancel.as_view(), name="cancel"),
    path("diagnosis/<id>/status", views.status, name="status"),
]
api = [
    *auth,
    *patients,
    *sessions,
    *records_views.urlpatterns,
    *page_views.urlpatterns,
]

app_name = "diagnosis"
urlpatterns = [
    path("", page_views.Home.as_view(), name="home"),
    *api,
    path("api", page_views.Home.as_view()),
    path("api/", include((api, "api"))),
]
