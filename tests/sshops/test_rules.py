"""Rules for commands, and the word of a second person."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from sshops import rules
from sshops.errors import Forbidden
from sshops.models import AuditEntry, CommandApproval, CommandRule, Lease
from tests import factories

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_close_connections"),
]


def rule(pattern, verdict, position=0, server=None):
    return CommandRule.objects.create(
        pattern=pattern, verdict=verdict, position=position, server=server
    )


def test_the_first_rule_that_fits_decides(operator):
    server = factories.server()
    rule("^ls", "allow", 1)
    rule("rm", "deny", 2)
    rule(".", "deny", 3, server=factories.server())

    assert rules.judge(operator, server, "ls rm") is None
    assert rules.judge(operator, server, "df") is None
    with pytest.raises(Forbidden):
        rules.judge(operator, server, "sudo rm -r x")


def test_a_second_person_allows_one_run(operator, boss):
    server = factories.server()
    rule("reboot", "ask")

    for _ in range(2):
        with pytest.raises(Forbidden, match="second person"):
            rules.judge(operator, server, "reboot")
    approval = CommandApproval.objects.get()

    assert rules.decide(approval, operator, is_granted=True) is False
    assert rules.decide(approval, boss, is_granted=True) is True
    assert rules.decide(approval, boss, is_granted=False) is False
    with pytest.raises(Forbidden):
        rules.judge(operator, server, "reboot -f")
    with pytest.raises(Forbidden):
        rules.judge(boss, server, "reboot")
    granted = rules.judge(operator, server, "reboot")
    rules.use(granted)
    with pytest.raises(Forbidden):
        rules.use(granted)
    with pytest.raises(Forbidden):
        rules.judge(operator, server, "reboot")


def test_a_permission_does_not_last(operator, boss):
    server = factories.server()
    rule("reboot", "ask")
    with pytest.raises(Forbidden):
        rules.judge(operator, server, "reboot")
    rules.decide(CommandApproval.objects.get(), boss, is_granted=True)
    CommandApproval.objects.update(decided_at=timezone.now() - timedelta(minutes=16))

    with pytest.raises(Forbidden):
        rules.judge(operator, server, "reboot")


def test_a_pattern_is_a_regular_expression():
    with pytest.raises(ValidationError):
        CommandRule(pattern="(", verdict="deny").full_clean()


async def test_a_command_that_a_rule_forbids_is_audited_and_not_run(client, sshd):
    await sync_to_async(factories.server)(sshd, name="db1")
    await sync_to_async(rule)("rm", "deny")

    assert await client.fails("ssh_command", server="db1", command="rm x") == 11001

    entry = await AuditEntry.objects.aget()
    assert (entry.text, entry.outcome, entry.error_code) == ("rm x", "error", 11001)
    assert not await Lease.objects.aexists()


def test_operators_decide_at_the_desk(boss, operator):
    server = factories.server()
    rule("reboot", "ask")
    for user in (boss, operator):
        with pytest.raises(Forbidden):
            rules.judge(user, server, "reboot")
    desk = Browser()
    desk.force_login(boss)
    ids = list(CommandApproval.objects.values_list("pk", flat=True))

    desk.post(
        reverse("admin:sshops_commandapproval_changelist"),
        {"action": "allow", "_selected_action": ids},
    )

    granted = CommandApproval.objects.filter(is_granted=True)
    assert [approval.asked_by for approval in granted] == [operator]
    page = desk.get(reverse("admin:sshops_commandrule_changelist"))
    assert page.status_code == 200
