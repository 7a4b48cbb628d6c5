"""Paths of the sockets below /workspace/; `api/…` leads into the same rooms."""

from workspace.consumers import BasicConsumer, ChatConsumer, SignedInConsumer

routes = [
    ("(api/)?ws", BasicConsumer),
    ("(api/)?ws/auth", SignedInConsumer),
    ("(api/)?ws/(?P<client_id>[^/]+)", ChatConsumer),
    ("(api/)?ws/(?P<client_id>[^/]+)/(?P<group>[^/]+)", ChatConsumer),
]
