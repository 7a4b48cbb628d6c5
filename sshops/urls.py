"""HTTP paths below /sshops/."""

from django.urls import path

from sshops import terminal_views

terminals = [
    path("terminals", terminal_views.Terminals.as_view(), name="terminals"),
    path("terminals/<uuid:id>", terminal_views.OneTerminal.as_view(), name="terminal"),
    path("recordings", terminal_views.Recordings.as_view(), name="recordings"),
    path(
        "recordings/<uuid:id>.cast",
        terminal_views.OneRecording.as_view(),
        name="recording",
    ),
    path("audit", terminal_views.AuditLog.as_view(), name="audit"),
]

app_name = "sshops"
urlpatterns = [*terminals]
