"""Teams: found, invite, join, leave, hand over, disband.

A team has one owner, who hands it over or disbands it; managers invite and remove;
members come and go. Administrators may do in every team what its owner may. Changes of
one team happen one after the other: each locks its row first.
"""

import contextlib

from django.db import IntegrityError, transaction

from config.errors import Conflict, Forbidden, NotFound
from workspace.models import Invitation, Team, TeamRole, User


class NameTaken(Conflict):
    """Another team has this name."""

    code = "team_name_taken"


class AlreadyIn(Conflict):
    """This person is in the team already."""

    code = "already_in_team"


class NotInvited(Forbidden):
    """You are not invited to this team."""


class NotInTeam(NotFound):
    """This person is not in the team."""


class NoSuchPerson(NotFound):
    """Nobody here has this e-mail address."""


class OwnerStays(Conflict):
    """The owner stays; hand the team over first, or disband it."""

    code = "owner_stays"


class NotTheOwner(Forbidden):
    """Only the owner of the team may do this."""


class NotAManager(Forbidden):
    """Only the owner and the managers of the team may do this."""


def found(name, *, by):
    """Make a team and its owner; raise NameTaken, whatever the case."""
    with _named(), transaction.atomic():
        team = Team.objects.create(name=name)
        team.memberships.create(user=by, role=TeamRole.OWNER)
    return team


def rename(team, name, *, by):
    """Give a team another name; raise NotTheOwner or NameTaken."""
    with _named(), _alone(team):
        _check_owner(team, by)
        team.name = name
        team.save(update_fields=["name"])


def disband(team, *, by):
    """End a team; raise NotTheOwner."""
    with _alone(team):
        _check_owner(team, by)
        team.delete()


def invite(team, email, *, by):
    """Let somebody join; once invited, they stay so. Return the Invitation.

    Raise NotAManager, NoSuchPerson or AlreadyIn.
    """
    with _alone(team):
        _check_manager(team, by)
        try:
            person = User.objects.get_by_natural_key(email)
        except User.DoesNotExist as error:
            raise NoSuchPerson from error
        if not person.is_active:
            raise NoSuchPerson
        if team.memberships.filter(user=person).exists():
            raise AlreadyIn
        invitation, _is_new = team.invitations.get_or_create(
            user=person, defaults={"invited_by": by}
        )
    return invitation


def withdraw(team, uid, *, by):
    """Take an invitation back; raise NotAManager or NotInTeam."""
    with _alone(team):
        _check_manager(team, by)
        if not _count(team.invitations.filter(user=uid).delete(), Invitation):
            raise NotInTeam


def join(team, *, user):
    """Accept one's invitation; raise NotInvited or AlreadyIn."""
    with _alone(team):
        if team.memberships.filter(user=user).exists():
            raise AlreadyIn
        if not _count(team.invitations.filter(user=user).delete(), Invitation):
            raise NotInvited
        team.memberships.create(user=user)


def leave(team, *, user):
    """Leave a team, or decline its invitation; raise OwnerStays or NotInTeam."""
    with _alone(team):
        if _count(team.invitations.filter(user=user).delete(), Invitation):
            return
        _remove(team, user.pk)


def remove(team, uid, *, by):
    """Put somebody out; a manager puts out members, the owner all but themselves.

    Raise NotAManager, NotTheOwner, OwnerStays or NotInTeam.
    """
    with _alone(team):
        _check_manager(team, by)
        if _member(team, uid).role != TeamRole.READER:
            _check_owner(team, by)
        _remove(team, uid)


def set_role(team, uid, role, *, by):
    """Make somebody a manager or a member; raise NotTheOwner, NotInTeam, OwnerStays."""
    with _alone(team):
        _check_owner(team, by)
        member = _member(team, uid)
        if member.role == TeamRole.OWNER:
            raise OwnerStays
        _give(member, role)


def hand_over(team, uid, *, by):
    """Make a member the owner; who was it stays as a manager.

    Raise NotTheOwner or NotInTeam.
    """
    with _alone(team):
        _check_owner(team, by)
        member = _member(team, uid)
        for owner in team.memberships.filter(role=TeamRole.OWNER):
            _give(owner, TeamRole.MANAGER)  # first: a team has one owner at a time
        _give(member, TeamRole.OWNER)


def role_in(team, user):
    """Return the person's role in the team, or None."""
    roles = team.memberships.filter(user=user).values_list("role", flat=True)
    return roles.first()


def _check_owner(team, by):
    if not by.is_staff and role_in(team, by) != TeamRole.OWNER:
        raise NotTheOwner


def _check_manager(team, by):
    may = (TeamRole.OWNER, TeamRole.MANAGER)
    if not by.is_staff and role_in(team, by) not in may:
        raise NotAManager


def _member(team, uid):
    member = team.memberships.filter(user=uid).first()
    if member is None:
        raise NotInTeam
    return member


def _remove(team, uid):
    member = _member(team, uid)
    if member.role == TeamRole.OWNER:
        raise OwnerStays
    member.delete()


def _give(member, role):
    member.role = role
    member.save(update_fields=["role"])


def _count(deleted, model):
    return deleted[1].get(model._meta.label, 0)


@contextlib.contextmanager
def _alone(team):
    """One change of a team at a time; raise NotFound when it has gone meanwhile."""
    with transaction.atomic():
        if not Team.objects.select_for_update().filter(pk=team.pk).exists():
            raise NotFound
        yield


@contextlib.contextmanager
def _named():
    try:
        yield
    except IntegrityError as error:
        raise NameTaken from error
