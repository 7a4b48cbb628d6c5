"""What the API's documentation cannot find out for itself."""

import re

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter

# For a path whose segment `config.errors.path_id` reads.
ID = OpenApiParameter("id", int, OpenApiParameter.PATH)


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
