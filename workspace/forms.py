"""Signing in, adding people and changing passwords on pages; unfold's look."""

from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.db import transaction
from unfold import forms as unfold

from config.errors import TooMany
from workspace import people
from workspace.models import User


class SignInMixin:
    """Signs in as the API does: one bucket of failures, one note of the moment."""

    too_many = None

    def clean(self):
        email = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if not email or not password:
            return self.cleaned_data
        try:
            self.user_cache = people.sign_in(
                email=email,
                password=password,
                address=self.request.META.get("REMOTE_ADDR", ""),
                request=self.request,
            )
        except people.WrongCredentials as error:
            raise self.get_invalid_login_error() from error
        except TooMany as error:
            self.too_many = error
            raise ValidationError(error.text, code=error.code) from error
        self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data


class SignInForm(SignInMixin, AuthenticationForm):
    """The sign-in page of all pages but the admin's."""


class DeskSignInForm(SignInMixin, unfold.AuthenticationForm):
    """The admin's sign-in page (unfold's LOGIN), for staff only."""


class OwnPasswordForm(PasswordChangeForm):
    """A new password of one's own, for who knows the old one."""

    def __init__(self, user, data, address):
        super().__init__(user, data)
        self.address = address

    def clean_old_password(self):
        """Draw from the same bucket as signing in, so that nobody tries passwords."""
        old = self.cleaned_data["old_password"]
        try:
            people.confirm(email=self.user.email, password=old, address=self.address)
        except people.WrongCredentials as error:
            wrong = self.error_messages["password_incorrect"]
            raise ValidationError(wrong, code=error.code) from error
        except TooMany as error:
            raise ValidationError(error.text, code=error.code) from error
        return old

    def save(self):
        people.update_profile(self.user, password=self.cleaned_data["new_password1"])
        return self.user


class PersonAddForm(unfold.UserCreationForm):
    """A new person, with a password that passes the validators."""

    usable_password = None

    class Meta:
        model = User
        fields = ["email", "uname", "urole"]


class PersonChangeForm(unfold.UserChangeForm):
    """A person; the password has a form of its own."""

    class Meta:
        model = User
        fields = "__all__"
        field_classes = {}  # Django's knows a "username"


class PasswordForm(unfold.AdminPasswordChangeForm):
    """A new password for somebody, which ends what the old one opened."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Nobody signs in by other means; who shall not sign in is blocked.
        self.fields.pop("usable_password", None)
        for field in self.fields.values():
            field.required = True

    def save(self, commit=True):
        with transaction.atomic():
            user = super().save(commit)
            people.sign_out_everywhere(user)
        return user
