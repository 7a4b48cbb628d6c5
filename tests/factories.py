"""One factory for each model."""

from workspace.models import User

PASSWORD = "correct horse battery"


def user(email="kim@example.com", **fields):
    return User.objects.create_user(email, PASSWORD, **{"uname": "Kim", **fields})
