"""May this command be run: what rules say, and a second person where they want one.

A permission given is good for one run of that very command on that server, by who asked
for it, within PERMISSION_LASTS.
"""

import re
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from sshops.errors import Forbidden
from sshops.models import CommandApproval, CommandRule

PERMISSION_LASTS = timedelta(minutes=15)
Verdict = CommandRule.Verdict


def judge(user, server, command):
    """Return the approval that a command needs and has, or None where it needs none.

    Raise Forbidden where a rule denies it, or a second person has not allowed it; it
    is put to them then.
    """
    rules = CommandRule.objects.filter(Q(server=None) | Q(server=server))
    rule = next((rule for rule in rules if re.search(rule.pattern, command)), None)
    if rule is None or rule.verdict == Verdict.ALLOW:
        return None
    if rule.verdict == Verdict.DENY:
        text = _("A rule forbids this command.")
        raise Forbidden(text, detail=rule.reason or None)
    asked = CommandApproval.objects.filter(
        server=server, asked_by=user, command=command, used_at=None
    )
    since = timezone.now() - PERMISSION_LASTS
    granted = asked.filter(is_granted=True, decided_at__gt=since).first()
    if granted is not None:
        return granted
    if not asked.filter(is_granted=None, asked_at__gt=since).exists():
        CommandApproval.objects.create(server=server, asked_by=user, command=command)
    text = _("A second person must allow this command; run it again once they have.")
    raise Forbidden(text, detail=rule.reason or None)


def use(approval):
    """Use an approval up; raise Forbidden when it was used meanwhile."""
    if approval is None:
        return
    unused = CommandApproval.objects.filter(pk=approval.pk, used_at=None)
    if not unused.update(used_at=timezone.now()):
        raise Forbidden


def decide(approval, by, *, is_granted):
    """Allow or refuse a command of somebody else; tell whether it was done."""
    if approval.asked_by_id == by.pk:
        return False
    waiting = CommandApproval.objects.filter(pk=approval.pk, is_granted=None)
    return bool(
        waiting.update(is_granted=is_granted, decided_by=by, decided_at=timezone.now())
    )
