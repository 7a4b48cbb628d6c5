"""Paths of the sockets below /charging/."""

from charging.consumers import BoardConsumer

routes = [("ws/board", BoardConsumer)]
