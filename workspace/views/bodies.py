"""What a view makes of a request's body."""


def valid(serializer_class, request):
    """Return what the serializer makes of the body; raise ValidationError."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
