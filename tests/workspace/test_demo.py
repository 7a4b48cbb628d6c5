"""What a new workspace begins with: people, a team, a few files."""

import pytest

from workspace import demo
from workspace.models import ChatMessage, Team, Upload, User

pytestmark = pytest.mark.django_db


def test_an_office_to_look_at(disk, client):
    demo.load(is_new=True)

    team = Team.objects.get()
    roles = team.memberships.values_list("user__uname", "role")
    assert dict(roles) == {"이도현": "owner", "최서연": "manager", "정민재": "reader"}
    assert not any(person.has_usable_password() for person in User.objects.all())
    names = Upload.objects.values_list("original_filename", flat=True)
    assert list(names) == ["1층 평면도.png", "방문 집계.csv", "점검 안내.txt"]
    assert ChatMessage.objects.filter(group=team.name).count() == 5
    client.force_login(User.objects.first())
    picture = client.get(f"/workspace/{Upload.objects.get(folder='images').path}")
    assert b"".join(picture.streaming_content).startswith(b"\x89PNG")


def test_nothing_comes_to_what_is_there(disk):
    demo.load(is_new=False)

    assert not User.objects.exists()


def test_without_a_store_there_is_none(nowhere, caplog):
    demo.load(is_new=True)

    assert not User.objects.exists()
    assert "their store is away" in caplog.text
