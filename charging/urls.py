"""HTTP paths below /charging/."""

app_name = "charging"
urlpatterns = []
