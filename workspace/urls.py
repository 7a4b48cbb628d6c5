"""HTTP paths below /workspace/."""

app_name = "workspace"
urlpatterns = []
