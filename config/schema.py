"""What the API's documentation cannot find out for itself."""

import re

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

# What {id} is in a path: a number that `config.errors.path_id` reads, or a UUID.
ID = OpenApiParameter("id", int, OpenApiParameter.PATH)
UID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "config.auth.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def without_aliases(endpoints):
    """Leave out `/app/api/…` where `/app/…` is the same: old clients know it anyway.

    As a hook named in the settings, this also has the scheme above known in time.
    """
    paths = {path for path, *_ in endpoints}

    def is_alias(path):
        plain = re.sub(r"^/(\w+)/api(/|$)", r"/\1/", path)
        return plain != path and plain in paths

    return [endpoint for endpoint in endpoints if not is_alias(endpoint[0])]
