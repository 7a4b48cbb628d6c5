"""Paths of the sockets below /diagnosis/, with the prefix that old clients have."""

from diagnosis.consumers import ClinicConsumer, HeadsetConsumer

routes = [
    ("(api/)?ws/diagnosis/(?P<patient_code>[^/]+)", HeadsetConsumer),
    ("(api/)?ws/clinic", ClinicConsumer),
]
