"""Several server processes, as deployed: one session, whichever process one meets."""

import json
import os
import signal
import time

import pytest
from websockets.sync.client import connect

from sshops.models import Lease
from tests.conftest import token
from tests.sshops.stub import PATH

pytestmark = pytest.mark.django_db(transaction=True)


def hear(socket, type, seconds=40):
    deadline = time.monotonic() + seconds
    while True:
        message = json.loads(socket.recv(max(0, deadline - time.monotonic())))
        if message["type"] == type:
            return message


def test_a_session_holds_over_processes_and_dies_with_its_own(servers, operator):
    one, two = servers
    headers = {"Authorization": f"Bearer {token(operator)}"}
    with (
        connect(one.ws + PATH, additional_headers=headers) as owner,
        connect(two.ws + PATH, additional_headers=headers) as other,
    ):
        id = hear(owner, "welcome")["connection_id"]
        hear(other, "welcome")
        owner.send('{"type": "start_session"}')
        assert hear(other, "session_status")["session_owner"] == id
        other.send('{"type": "start_session"}')
        error = hear(other, "error")
        assert (error["error_code"], error["session_owner"]) == (50004, id)
        before = Lease.objects.get().pk

        os.kill(one.pid, signal.SIGKILL)

        assert hear(other, "session_status")["session_active"] is False
        other.send('{"type": "start_session"}')
        hear(other, "session_started")
        assert Lease.objects.get().pk > before
