"""Files, as clients see them."""

from django.utils.translation import gettext as _
from rest_framework import serializers

from workspace.models import Upload
from workspace.serializers.fields import Text

WITHOUT = "N/A"  # what clients read where there is no description


class DescriptionSerializer(serializers.Serializer):
    description = Text(max_length=500, allow_blank=True, default="")


class UploadSerializer(serializers.ModelSerializer):
    """A file in a list."""

    description = serializers.SerializerMethodField()
    owner_name = serializers.CharField(source="owner.uname")

    class Meta:
        model = Upload
        fields = [
            "filename",
            "original_filename",
            "size",
            "path",
            "content_type",
            "description",
            "uploaded_at",
            "owner",
            "owner_name",
        ]
        read_only_fields = fields

    def get_description(self, upload) -> str:
        return upload.description or WITHOUT


class AcceptedSerializer(UploadSerializer):
    """A file that was just uploaded."""

    detail = serializers.SerializerMethodField()

    class Meta(UploadSerializer.Meta):
        fields = [
            "filename",
            "original_filename",
            "detail",
            "size",
            "path",
            "content_type",
            "description",
        ]
        read_only_fields = fields

    def get_detail(self, upload) -> str:
        return _("Uploaded.")
