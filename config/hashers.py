"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id at the cost that OWASP's password cheat sheet names for servers.

    Django's 100 MiB for each hash would let sixteen sign-ins at once take 1.6 GB.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1
