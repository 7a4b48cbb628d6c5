"""The API's documentation is complete, and true to what the server takes."""

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_made_without_a_warning(tmp_path, capfd):
    GENERATOR_STATS.reset()

    call_command(
        "spectacular", "--validate", "--fail-on-warn", file=tmp_path / "schema.yaml"
    )

    assert capfd.readouterr().err == ""


def test_a_token_is_a_way_to_sign_in(schema):
    assert schema["components"]["securitySchemes"]["token"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    assert {"token": []} in schema["paths"]["/roadblock/vehicles"]["get"]["security"]


def test_the_paths_of_old_clients_are_left_out(schema, client):
    assert [path for path in schema["paths"] if path.startswith("/roadblock/api")] == []
    assert client.get("/roadblock/api/vehicles").status_code == 401


def test_numbers_in_paths_are_told_as_such(schema):
    for path in ("/roadblock/vehicles/{id}", "/roadblock/maps/{id}"):
        [parameter] = schema["paths"][path]["get"]["parameters"]
        assert parameter["name"] == "id"
        assert parameter["schema"] == {"type": "integer"}
