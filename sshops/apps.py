from django.apps import AppConfig


class SSHOpsConfig(AppConfig):
    name = "sshops"
    verbose_name = "SSH operations"
