"""HTTP paths below /sshops/."""

from django.urls import path

from sshops import (
    file_views,
    health_views,
    history_views,
    server_views,
    shared_file_views,
    terminal_views,
    transfer_views,
)
from sshops.answers import catch_all_view
from sshops.docs_views import docs_paths
from sshops.page_views import page_paths

servers = [
    path("servers", server_views.Servers.as_view(), name="servers"),
    path("servers/<name>", server_views.OneServer.as_view(), name="server"),
    path("servers/<name>/folder", file_views.Folder.as_view(), name="folder"),
    path("servers/<name>/file", file_views.File.as_view(), name="file"),
    path("servers/<name>/uploads", file_views.Uploads.as_view(), name="uploads"),
    path("servers/<name>/send", shared_file_views.Send.as_view(), name="send"),
    path("servers/<name>/fetch", shared_file_views.Fetch.as_view(), name="fetch"),
    path("shared-files", shared_file_views.SharedFiles.as_view(), name="shared-files"),
    path("latencies", health_views.Latencies.as_view(), name="latencies"),
]
transfers = [
    path("transfers", transfer_views.Transfers.as_view(), name="transfers"),
    path("transfers/<name>", transfer_views.OneTransfer.as_view(), name="transfer"),
    path("transfer-runs", transfer_views.Runs.as_view(), name="runs"),
    path("transfer-runs/<uuid:id>", transfer_views.OneRun.as_view(), name="run"),
]
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
history = [
    path("api/v1/stub/histories", history_views.Loads.as_view(), name="loads"),
    path("api/v1/stub/histories/<id>", history_views.OneLoad.as_view(), name="load"),
    path("api/v1/stub/histories/<id>/note", history_views.LoadNote.as_view()),
    path("api/v1/stub/batches/<batch_id>", history_views.Batch.as_view()),
    path(
        "api/v1/stub/customers/<customer_number>/histories",
        history_views.CustomerLoads.as_view(),
    ),
    path("api/v1/patchnotes", history_views.PatchNotes.as_view(), name="notes"),
    path("api/v1/patchnotes/<id>", history_views.OnePatchNote.as_view(), name="note"),
]

app_name = "sshops"
urlpatterns = [
    *page_paths,
    *docs_paths,
    *servers,
    *transfers,
    *terminals,
    *history,
    path("<path:path>", catch_all_view),
]
