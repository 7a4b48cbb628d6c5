"""HTTP paths below /charging/."""

from charging.camera_views import camera_paths
from charging.page_views import page_paths

app_name = "charging"
urlpatterns = [
    *page_paths,
    *camera_paths,
]
