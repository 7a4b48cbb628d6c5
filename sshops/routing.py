"""Socket paths below /sshops/."""

from sshops.terminal_consumer import TerminalConsumer

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

routes = [
    (rf"ws/terminals/(?P<id>{UUID})", TerminalConsumer),
]
