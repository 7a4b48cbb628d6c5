"""One factory for each model."""

from functools import cache
from itertools import count

from django.contrib.auth.hashers import make_password
from django.core.files.uploadedfile import SimpleUploadedFile

from diagnosis import presence, sessions
from diagnosis.models import Account, Patient, Role
from roadblock import chases, fleet
from roadblock.models import Chase, Event, VehicleType
from sshops.models import Server
from workspace.models import User

PASSWORD = "correct horse battery"
_numbers = count(101)  # not in the way of the numbers that tests choose


def user(email="kim@example.com", **fields):
    """A person who signs in with PASSWORD."""
    user = User.objects.create_user(email, None, **{"uname": "Kim", **fields})
    user.password = _hashed()
    user.save(update_fields=["password"])
    return user


def file(content=b"hello", name="a.txt"):
    """A file as it comes out of a form."""
    return SimpleUploadedFile(name, content)


@cache
def _hashed():
    return make_password(PASSWORD)  # slow on purpose, so once


def police_car(number=None, name=None):
    """A police car in service."""
    return _vehicle(VehicleType.POLICE, number, name)


def runner(number=None, name=None):
    """A runner in service; its chase is open."""
    return _vehicle(VehicleType.RUNNER, number, name)


def _vehicle(kind, number, name):
    number = next(_numbers) if number is None else number
    return fleet.register(number, kind, name or f"{kind} {number}").vehicle


def chase(of=None):
    """An open chase of a runner, or of a new one."""
    return Chase.objects.get(runner=of or runner(), ended_at=None)


def event(status=Event.Status.FAILED, catcher=None, of=None):
    """An entry in the log of a runner's open chase; "catch" closes it."""
    of = of or runner()
    catcher = catcher or police_car()
    act = chases.catch if status == Event.Status.CATCH else chases.fail
    act(catcher.vehicle_id, of.vehicle_id)
    return Event.objects.filter(runner=of).first()


def account(login_id="kim01", role=Role.DOCTOR, **fields):
    """Somebody of the clinic who signs in with PASSWORD; a doctor unless said."""
    person = user(f"{login_id}@example.com", **fields)
    return Account.objects.create(user=person, login_id=login_id, role=role)


def patient(doctor=None, **fields):
    """A patient of a doctor, or of a new one."""
    number = next(_numbers)
    doctor = doctor or account(f"doctor{number}")
    return Patient.objects.create(
        doctor=doctor, **{"code": f"900-{number}", "name": "Lee", **fields}
    )


def session(of=None, type="BALANCEBALL", level=2):
    """A session that waits for the headset of a patient, or of a new one."""
    of = of or patient()
    presence.arrive(of.pk)
    return sessions.start(doctor=of.doctor, patient=of, type=type, level=level)


def server(sshd=None, **fields):
    """A server that operators reach: a running sshd, or nobody's address."""
    of_sshd = {"host": "127.0.0.1", "username": "kim", "host_key": ""}
    if sshd is not None:
        names = ("host", "port", "username", "host_key", "private_key")
        of_sshd = {name: getattr(sshd, name) for name in names}
    else:
        of_sshd["password"] = PASSWORD
    return Server.objects.create(
        **{"name": f"server-{next(_numbers)}", **of_sshd, **fields}
    )
