"""HTTP paths below /diagnosis/."""

app_name = "diagnosis"
urlpatterns = []
