"""Who may at the operators' desk: staff, where Django asks for single permissions."""

from config.admin import ReadOnly


class StaffDesk:
    """Everything for every administrator."""

    def has_module_permission(self, request):
        return request.user.is_staff

    def has_view_permission(self, request, obj=None):
        return request.user.is_staff

    def has_add_permission(self, request, obj=None):
        return request.user.is_staff

    def has_change_permission(self, request, obj=None):
        return request.user.is_staff

    def has_delete_permission(self, request, obj=None):
        return request.user.is_staff


class Record(ReadOnly, StaffDesk):
    """A record of what happened: to look at for administrators, not to change."""
