"""Shared files and those on their way: to look at, and to remove."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin

from workspace import files, resumable
from workspace.admin.desk import Record
from workspace.models import PartialUpload, Upload


@admin.register(Upload)
class UploadAdmin(Record, ModelAdmin):
    """Files; their bytes go with them."""

    list_display = ["name", "folder", "amount", "owner", "description", "uploaded_at"]
    list_display_links = None
    list_filter = ["folder", ("uploaded_at", admin.DateFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["original_filename", "filename", "description", "owner__email"]

    @admin.display(description=_("name"), ordering="original_filename")
    def name(self, upload):
        mount = reverse("workspace:home")
        return format_html(
            '<a href="{}{}">{}</a>', mount, upload.path, upload.original_filename
        )

    @admin.display(description=_("size"), ordering="size")
    def amount(self, upload):
        return filesizeformat(upload.size)

    def has_delete_permission(self, request, obj=None):
        return request.user.is_staff

    def delete_model(self, request, obj):
        files.remove(obj, by=request.user)

    def delete_queryset(self, request, queryset):
        for upload in queryset:
            files.remove(upload, by=request.user)


@admin.register(PartialUpload)
class PartialUploadAdmin(Record, ModelAdmin):
    """Files that come in pieces; those given up are swept after a day."""

    list_display = [
        "original_filename",
        "owner",
        "received",
        "created_at",
        "touched_at",
    ]
    list_select_related = ["owner"]
    search_fields = ["original_filename", "owner__email"]
    actions = ["give_up"]

    def get_queryset(self, request):
        return super().get_queryset(request).filter(upload=None)

    @admin.display(description=_("received"))
    def received(self, upload):
        percent = 100 * upload.offset // upload.size if upload.size else 100
        amounts = filesizeformat(upload.offset), filesizeformat(upload.size)
        return f"{amounts[0]} / {amounts[1]} ({percent} %)"

    def has_give_up_permission(self, request):
        return request.user.is_staff

    @admin.action(description=_("Give up"), permissions=["give_up"])
    def give_up(self, request, queryset):
        for upload in queryset:
            resumable.drop(upload)
        told = ngettext("{} upload given up.", "{} uploads given up.", len(queryset))
        self.message_user(request, told.format(len(queryset)))
