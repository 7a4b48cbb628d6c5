"""HTTP paths below /workspace/."""

from django.urls import path

from workspace import views

app_name = "workspace"

auth = [
    path("auth/login", views.Login.as_view(), name="login"),
    path("auth/refresh", views.Refresh.as_view(), name="refresh"),
    path("auth/logout", views.Logout.as_view(), name="logout"),
]
users = [
    path("users/me", views.Me.as_view(), name="me"),
]
urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("health", views.Health.as_view(), name="health"),
    *auth,
    *users,
]
