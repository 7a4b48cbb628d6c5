"""What a view makes of a request's body."""


def valid(serializer_class, request, **context):
    """Return what the serializer makes of the body; raise ValidationError."""
    serializer = serializer_class(data=request.data, context=context)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
