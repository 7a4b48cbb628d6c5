"""HTTP map: the admin and the five apps."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog
from drf_spectacular.views import (
    SpectacularAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)

from config import health, pages
from workspace.views import sign_in

urlpatterns = [
    # Tried in order: what programs ask for stands first.
    path("roadblock/", include("roadblock.urls")),
    path("diagnosis/", include("diagnosis.urls")),
    path("charging/", include("charging.urls")),
    path("workspace/", include("workspace.urls")),
    path("sshops/", include("sshops.urls")),
    path("", pages.home, name="home"),
    path("api/status", pages.status, name="status"),
    path("sign-in/", sign_in.SignInPage.as_view(), name="sign-in"),
    path("sign-out/", auth.LogoutView.as_view(), name="sign-out"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jsi18n/", JavaScriptCatalog.as_view(), name="jsi18n"),
    path("health", health.health),
    path("ready", health.ready),
    path("admin/password_change/", admin.site.admin_view(sign_in.change_own_password)),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(), name="docs"),
    path("redoc", SpectacularRedocView.as_view(), name="redoc"),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
