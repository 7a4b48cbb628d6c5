from django.apps import AppConfig


class RoadblockConfig(AppConfig):
    name = "roadblock"
