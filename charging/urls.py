"""HTTP paths below /charging/."""

from charging.camera_views import camera_paths

app_name = "charging"
urlpatterns = [
    *camera_paths,
]
