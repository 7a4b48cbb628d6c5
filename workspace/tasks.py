from celery import shared_task

from workspace import tokens


@shared_task
def sweep_refresh_tokens():
    """Forget expired refresh tokens and the sign-ins that had them."""
    return tokens.sweep()
