"""HTTP paths below /workspace/."""

from django.urls import include, path

from workspace.views import home, people, sign_in

app_name = "workspace"

auth = [
    path("auth/login", sign_in.Login.as_view(), name="login"),
    path("auth/refresh", sign_in.Refresh.as_view(), name="refresh"),
    path("auth/logout", sign_in.Logout.as_view(), name="logout"),
]
users = [
    path("users/me", people.Me.as_view(), name="me"),
]
front = [
    path("", home.Home.as_view(), name="home"),
    path("health", home.Health.as_view(), name="health"),
]
urlpatterns = [
    path("explorer/", include("workspace.explorer.urls")),
    *front,
    *auth,
    *users,
]
