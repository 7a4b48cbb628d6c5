"""The pages that describe the API: for who is signed in, where old clients look."""

import pytest

from tests.sshops.test_history import code_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("path", ["/sshops", "/sshops/"])
def test_programs_are_sent_to_the_description(api, path):
    answer = api().get(path)

    assert (answer.status_code, answer["Location"]) == (307, "/sshops/swagger/docs")


@pytest.mark.parametrize("path", ["swagger/docs", "redoc", "openapi.json"])
def test_a_description_is_for_who_is_signed_in(api, outsider, path):
    answer = api(outsider).get(f"/sshops/{path}")

    assert answer.status_code == 200
    assert code_of(api().get(f"/sshops/{path}")) == (401, 11000)


def test_the_description_is_of_this_app(api, outsider):
    paths = api(outsider).get("/sshops/openapi.json").json()["paths"]

    assert "/sshops/api/v1/stub/histories" in paths
    assert all(path.startswith("/sshops/") for path in paths)
