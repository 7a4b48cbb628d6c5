"""HTTP paths below /charging/."""

from django.urls import include, path

from charging import views, waiting_views
from charging.board_views import board_paths
from charging.camera_views import camera_paths
from charging.page_views import page_paths

api = [
    path("sessions", views.Sessions.as_view()),
    path("reservations", views.Reservations.as_view(), name="reservations"),
    path("reservations/batch", views.Batches.as_view(), name="batches"),
    path("reservations/by-session", views.BySession.as_view(), name="by-session"),
    path("reservations/my", views.Mine.as_view(), name="mine"),
    path("reservations/<id>.ics", views.Calendar.as_view(), name="calendar"),
    path("reservations/<id>", views.OneReservation.as_view(), name="reservation"),
    path("plates/verify", views.Verify.as_view()),
    path("plates/match", views.Match.as_view()),
    path("user/login", views.Login.as_view()),
    path("admin/login", views.StaffLogin.as_view()),
    path("admin/reservations.csv", views.Table.as_view(), name="table"),
    path("admin/reservations/by-session", views.StaffBySession.as_view()),
    path("admin/reservations/<id>", views.StaffReservation.as_view()),
    *camera_paths,
    *board_paths,
    path("waiting", waiting_views.WaitingList.as_view(), name="waiting"),
    path("waiting/<id>", waiting_views.OneEntry.as_view(), name="waiting-entry"),
    path("waiting/<id>/accept", waiting_views.Acceptance.as_view(), name="accept"),
]

app_name = "charging"
urlpatterns = [
    path("api/", include(api)),
    path("health", views.Health.as_view()),
    *page_paths,
]
