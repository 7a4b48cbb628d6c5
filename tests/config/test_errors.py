"""How errors look: JSON below the apps, pages elsewhere, one shape for each kind."""

import pytest
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from config import errors
from config.errors import Invalid, NotFound, path_id

APPS = ["roadblock", "diagnosis", "charging", "workspace"]  # sshops has its own


@pytest.mark.parametrize("app", APPS)
def test_an_unknown_address_below_an_app_is_told_in_json(client, db, app):
    response = client.get(f"/{app}/nothing/here")

    assert response.status_code == 404
    assert response.json() == {
        "detail": "There is nothing at this address.",
        "code": "not_found",
    }


@pytest.mark.parametrize("path", ["/nothing", "/roadblocks", "/x/roadblock/"])
def test_an_unknown_address_elsewhere_has_a_page(client, db, path):
    response = client.get(path)

    assert response.status_code == 404
    assert response["Content-Type"] == "text/html; charset=utf-8"


def test_a_wrong_method_is_told_in_json(api, outsider):
    response = api(outsider).put("/roadblock/vehicles", {})

    assert response.status_code == 405
    assert response.json() == {
        "detail": 'Method "PUT" not allowed.',
        "code": "method_not_allowed",
    }


def test_a_missing_token_is_told_in_json(api, db):
    response = api().get("/roadblock/vehicles")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é"])
def test_a_bad_token_is_told_in_json(api, db, scheme, text):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"{scheme} {text}")

    response = client.get("/roadblock/vehicles")

    assert response.status_code == 401
    assert response.json() == {
        "detail": "This token is not valid, or has expired.",
        "code": "authentication_failed",
    }


def test_a_form_from_elsewhere_is_told_in_json_below_an_app(client, db):
    request = RequestFactory().post("/workspace/anything")

    response = errors.csrf_failure(request, "no cookie")

    assert response.status_code == 403
    assert b'"csrf_failed"' in response.content


@pytest.mark.parametrize(
    ("handler", "status", "code"),
    [
        (lambda request: errors.bad_request(request, None), 400, "bad_request"),
        (lambda request: errors.permission_denied(request), 403, "permission_denied"),
        (lambda request: errors.server_error(request), 500, "internal_error"),
    ],
)
def test_each_handler_speaks_json_below_an_app(rf, handler, status, code):
    response = handler(rf.get("/charging/x"))

    assert response.status_code == status
    assert f'"code": "{code}"'.encode() in response.content


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("+7", 7), ("007", 7)])
def test_a_number_in_a_path_is_read(text, number):
    assert path_id(text) == number


def test_the_largest_key_is_read():
    assert path_id(str(2**63 - 1)) == 2**63 - 1


@pytest.mark.parametrize("text", ["x", "1.0", "", " 1", "1\n", "1_0", "٣", "１", "0x1"])
def test_what_is_no_number_in_a_path_is_invalid(text):
    with pytest.raises(Invalid) as error:
        path_id(text, "vehicle_id")

    [problem] = error.value.problems
    assert problem == {
        "loc": ["path", "vehicle_id"],
        "msg": "Not an integer.",
        "type": "int_parsing",
        "input": text,
    }


@pytest.mark.parametrize("text", ["0", "-1", "-0", "-99999"])
def test_a_number_below_one_in_a_path_is_invalid(text):
    with pytest.raises(Invalid) as error:
        path_id(text)

    assert error.value.problems[0]["type"] == "greater_than_equal"


@pytest.mark.parametrize("text", [str(2**63), "9" * 20, "9" * 21, "9" * 5000])
def test_a_number_that_no_key_can_be_is_not_found(text):
    with pytest.raises(NotFound):
        path_id(text)


class Plug(serializers.Serializer):
    kind = serializers.ChoiceField(["ac", "dc"])


class Form(serializers.Serializer):
    name = serializers.CharField(max_length=3)
    plugs = Plug(many=True)
    numbers = serializers.ListField(child=serializers.IntegerField(), required=False)

    def validate(self, values):
        if values["name"] == "odd":
            raise serializers.ValidationError("That is odd.", "odd")
        return values


class Door(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []

    def post(self, request):
        Form(data=request.data).is_valid(raise_exception=True)


def problems(rf, body, content_type="application/json"):
    request = rf.post("/charging/door", body, content_type=content_type)
    response = Door.as_view()(request)
    assert response.status_code == 422
    return [(p["loc"], p["type"]) for p in response.data["detail"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [(["body", "name"], "missing"), (["body", "plugs"], "missing")]),
        ({"name": None, "plugs": []}, [(["body", "name"], "missing")]),
        ({"name": "long", "plugs": []}, [(["body", "name"], "max_length")]),
        ({"name": "odd", "plugs": []}, [(["body"], "odd")]),
        (
            {"name": "a", "plugs": [{"kind": "ac"}, {"kind": "x"}]},
            [(["body", "plugs", 1, "kind"], "invalid_choice")],
        ),
        (
            {"name": "a", "plugs": [], "numbers": [1, "x"]},
            [(["body", "numbers", 1], "invalid")],
        ),
        ([], [(["body"], "invalid")]),
    ],
)
def test_a_failed_validation_names_each_place(rf, body, expected):
    assert problems(rf, body) == expected


@pytest.mark.parametrize("body", ["{", "", "[1,", '{"a": NaN}'])
def test_what_is_no_json_is_told_as_such(rf, body):
    if body == "":
        assert problems(rf, body)[0][1] == "missing"
    else:
        assert problems(rf, body) == [(["body"], "json_invalid")]
