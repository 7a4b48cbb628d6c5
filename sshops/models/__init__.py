from sshops.models.servers import Server

__all__ = ["Server"]
