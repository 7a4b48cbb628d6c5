"""HTTP paths below /workspace/explorer/."""

from django.urls import path

from workspace.explorer import pages, views

urlpatterns = [
    path("", pages.Desk.as_view(), name="explorer"),
    path("tables/<str:name>", pages.Table.as_view(), name="explorer-table"),
    path("runs", views.Runs.as_view(), name="explorer-runs"),
    path("runs/<int:pk>/cancel", views.Cancel.as_view(), name="explorer-cancel"),
    path(
        "runs/<int:pk>/rows.<str:form>", views.Exports.as_view(), name="explorer-rows"
    ),
    path("queries", views.Queries.as_view(), name="explorer-queries"),
    path("queries/<int:pk>", views.OneQuery.as_view(), name="explorer-query"),
]
