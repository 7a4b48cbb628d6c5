"""What the pages of this app's records share."""


class ReadOnly:
    """A record of what happened: to look at, not to change."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
