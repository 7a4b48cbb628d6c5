from celery import shared_task

from workspace import people, tokens


@shared_task
def sweep_refresh_tokens():
    """Forget expired refresh tokens and the sign-ins that had them."""
    return tokens.sweep()


@shared_task
def forget_login_failures():
    """Forget old failures to sign in."""
    return people.forget_failures()
