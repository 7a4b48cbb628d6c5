"""HTTP paths below /workspace/."""

from django.urls import include, path

from workspace import people as verbs
from workspace.views import (
    chat,
    chat_pages,
    files,
    home,
    pages,
    people,
    sign_in,
    teams,
    tus,
)

app_name = "workspace"

auth = [
    path("auth/login", sign_in.Login.as_view(), name="login"),
    path("auth/refresh", sign_in.Refresh.as_view(), name="refresh"),
    path("auth/logout", sign_in.Logout.as_view(), name="logout"),
]
users = [
    path("auth/register", people.Register.as_view(), name="register"),
    path("users/", people.People.as_view(), name="people"),
    path("users/me", people.Me.as_view(), name="me"),
    path("users/update-profile", people.Profile.as_view(), name="update-profile"),
    path("users/<user_id>", people.Person.as_view(), name="person"),
    path("users/<user_id>/role", people.ChangeRole.as_view(), name="role"),
    *(
        path(f"users/<user_id>/{verb.__name__}", people.Change.as_view(verb=verb))
        for verb in (verbs.block, verbs.unblock, verbs.delete)
    ),
]
shared_files = [
    path("api/upload", files.OneFile.as_view(), name="upload"),
    path("api/upload/multiple", files.ManyFiles.as_view(), name="upload-multiple"),
    path("api/files", files.Files.as_view(), name="files"),
    path("api/files/<filename>", files.File.as_view(), name="file"),
    path("api/tus/", tus.Uploads.as_view(), name="resumables"),
    path("api/tus/<uuid:id>", tus.OneUpload.as_view(), name="resumable"),
    path("uploads/<folder>/<filename>", files.Bytes.as_view(), name="bytes"),
]
team_paths = [
    path("", teams.Teams.as_view(), name="teams"),
    path("<id>", teams.OneTeam.as_view(), name="team"),
    path("<id>/join", teams.Join.as_view(), name="join"),
    path("<id>/leave", teams.Leave.as_view(), name="leave"),
    path("<id>/hand-over", teams.HandOver.as_view(), name="hand-over"),
    path("<id>/invitations", teams.Invitations.as_view(), name="invite"),
    path("<id>/invitations/<uuid:uid>", teams.OneInvitation.as_view()),
    path("<id>/members/<uuid:uid>", teams.Member.as_view(), name="member"),
]
front = [
    path("", home.Home.as_view(), name="home"),
    path("health", home.Health.as_view(), name="health"),
    path("health-check", home.HealthCheck.as_view(), name="health-check"),
    path("docs", home.Docs.as_view(), name="docs"),
    path("redoc", home.Redoc.as_view(), name="redoc"),
    path("files", pages.files, name="files-page"),
    path("teams", pages.teams, name="teams-page"),
    path("profile", pages.profile, name="profile"),
]
twins = [  # of what sockets can ask
    path("clients", chat.Clients.as_view(), name="clients"),
    path("groups", chat.Groups.as_view(), name="groups"),
    path("groups/<str:group>", chat.Members.as_view(), name="members"),
    path("groups/<str:group>/messages", chat.History.as_view(), name="messages"),
    path("send_to/<str:client>", chat.SendTo.as_view(), name="send-to"),
    path("broadcast_to_group/<str:group>", chat.Broadcast.as_view(), name="broadcast"),
]
talk = [
    path("api/ws/", include((twins, "chat"))),
    path("ws/", include(twins)),
    path("api/chat/groups", chat.KeptGroups.as_view(), name="kept-groups"),
    *(
        path(name, chat_pages.TestPage.as_view(template=f"workspace/{name}"))
        for name in ("socket_test.html", "group_messaging_test.html")
    ),
    path("api/chat/groups/<str:group>/read", chat.Read.as_view(), name="read"),
]
urlpatterns = [
    path("explorer/", include("workspace.explorer.urls")),
    *front,
    *auth,
    *users,
    *shared_files,
    path("api/teams/", include(team_paths)),
    *talk,
]
