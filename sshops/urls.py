"""HTTP paths below /sshops/."""

app_name = "sshops"
urlpatterns = []
