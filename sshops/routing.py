"""Socket paths below /sshops/."""

from sshops.stub_consumer import StubConsumer
from sshops.terminal_consumer import TerminalConsumer

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

routes = [
    # Older clients add an id of their own, which counts for nothing.
    ("ws/v1/stub(?:/[^/]+)?", StubConsumer),
    (rf"ws/terminals/(?P<id>{UUID})", TerminalConsumer),
]
