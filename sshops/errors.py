"""The situations that the protocol has a number for; the class is the situation.

`error_code` is that number, `code` its name, `status` what HTTP answers. The original's
table has 101 of them; here stands what is in use.
"""

from config.errors import DomainError


class Failure(DomainError):
    """Something broke; it has been logged."""

    status = 500
    code = "INTERNAL_SERVER_ERROR"
    error_code = 10000
    fields = {}  # what else an answer over HTTP tells

    def __init__(self, text=None, *, detail=None):
        self.detail = detail
        super().__init__(text)


class Away(Failure):
    """A part of the system is away; please try again soon."""

    status = 503
    code = "SERVICE_UNAVAILABLE"
    error_code = 10001


class NoSuchPart(Failure):
    """The file has no such part."""

    status = 416
    code = "RANGE_NOT_SATISFIABLE"
    error_code = 60006

    def __init__(self, headers):
        super().__init__()
        self.headers = headers


# Who asks, and for what


class Unauthorized(Failure):
    """Sign in first."""

    status = 401
    code = "UNAUTHORIZED"
    error_code = 11000


class Forbidden(Failure):
    """You are not allowed to do this."""

    status = 403
    code = "FORBIDDEN"
    error_code = 11001


class InvalidParameter(Failure):
    """A value has the wrong type, or is out of range."""

    status = 400
    code = "INVALID_PARAMETER"
    error_code = 12001


class MissingField(Failure):
    """A required value is missing or empty."""

    status = 400
    code = "MISSING_REQUIRED_FIELD"
    error_code = 12002


class NotFound(Failure):
    """There is no such thing."""

    status = 404
    code = "RESOURCE_NOT_FOUND"
    error_code = 13000


class AlreadyExists(Failure):
    """There is one of this name already."""

    status = 409
    code = "RESOURCE_ALREADY_EXISTS"
    error_code = 13001


# Connections


class ConnectionFailed(Failure):
    """The server cannot be reached."""

    status = 503
    code = "SSH_CONNECTION_FAILED"
    error_code = 20000


class ConnectionTimedOut(Failure):
    """The server did not let us in within the time limit."""

    status = 504
    code = "SSH_CONNECTION_TIMEOUT"
    error_code = 20001


class ConnectionWasRefused(Failure):
    """The server refuses connections; is its SSH service running?"""

    status = 503
    code = "SSH_CONNECTION_REFUSED"
    error_code = 20002


class NotConnected(Failure):
    """Nothing is running that could take this."""

    status = 400
    code = "SSH_NOT_CONNECTED"
    error_code = 20004


class ConnectionLost(Failure):
    """The connection to the server broke."""

    status = 503
    code = "SSH_CONNECTION_LOST"
    error_code = 20005


class LoginRefused(Failure):
    """The server refuses the login; check its user name, password and key."""

    status = 401
    code = "SSH_AUTH_FAILED"
    error_code = 21000


class KeyProblem(Failure):
    """A key does not fit."""

    status = 500
    code = "SSH_KEY_ERROR"
    error_code = 21003


class CommandFailed(Failure):
    """The command could not be started."""

    status = 500
    code = "SSH_COMMAND_FAILED"
    error_code = 22000


class CommandTimedOut(Failure):
    """The command was stopped: it ran longer than the time limit."""

    status = 504
    code = "SSH_COMMAND_TIMEOUT"
    error_code = 22001


class ChannelRefused(Failure):
    """The server refuses a terminal."""

    status = 500
    code = "SSH_CHANNEL_ERROR"
    error_code = 22003


class UnknownServer(Failure):
    """There is no server of this name in use."""

    status = 404
    code = "SSH_SERVER_NOT_FOUND"
    error_code = 23002
