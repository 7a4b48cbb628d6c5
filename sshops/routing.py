"""Socket paths below /sshops/."""

from sshops.stub_consumer import StubConsumer

# Older clients add an id of their own, which counts for nothing.
routes = [("ws/v1/stub(?:/[^/]+)?", StubConsumer)]
