"""Servers to log in to, and the people who may."""

from tests.sshops.sshd import make_sshd, other_sshd, sshd

__all__ = ["make_sshd", "other_sshd", "sshd"]
