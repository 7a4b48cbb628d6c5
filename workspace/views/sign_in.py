"""Signing in and out."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from config.auth import TokenAuthentication
from config.errors import Unauthorized
from config.parsers import JSON
from workspace import people, tokens
from workspace.forms import SignInForm
from workspace.serializers.sign_in import (
    LoginSerializer,
    LogoutSerializer,
    RefreshSerializer,
    TokensSerializer,
)
from workspace.views.bodies import valid


class SignInView(APIView):
    """A door that stands open; a stale token in the header must not shut it."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [JSON]


class Login(SignInView):
    @extend_schema(request=LoginSerializer, responses=TokensSerializer)
    def post(self, request):
        address = request.META.get("REMOTE_ADDR", "")
        user = people.sign_in(
            **valid(LoginSerializer, request), address=address, request=request
        )
        pair = tokens.open_family(
            user,
            address=address,
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
        return answer_with(pair)


class Refresh(SignInView):
    @extend_schema(request=RefreshSerializer, responses=TokensSerializer)
    def post(self, request):
        values = valid(RefreshSerializer, request)
        return answer_with(tokens.refresh(values["refresh_token"]))


def answer_with(pair):
    """Answer a pair of tokens, which no cache may keep."""
    return Response(TokensSerializer(pair).data, headers={"Cache-Control": "no-store"})


class Logout(SignInView):
    """The refresh token proves itself; signing out everywhere takes a live access."""

    def get_authenticate_header(self, request):
        return "Bearer"

    @extend_schema(request=LogoutSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request):
        body = request.data if isinstance(request.data, dict) else {}
        if "refresh_token" in body and not body.get("all"):
            tokens.revoke(valid(LogoutSerializer, request)["refresh_token"])
        else:
            user, _token = TokenAuthentication().authenticate(request) or (None, None)
            if user is None:
                raise Unauthorized
            valid(LogoutSerializer, request)
            people.sign_out_everywhere(user)
        return Response({"success": True})


# Pages


class SignInPage(LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form):
        response = super().form_invalid(form)
        if form.too_many:
            response.status_code = form.too_many.status
            for name, value in form.too_many.headers.items():
                response[name] = value
        return response


def change_own_password(request):
    """The admin's page for one's own password, which ends what the old one opened."""
    response = admin.site.password_change(request)
    if request.method == "POST" and response.status_code == 302:
        people.sign_out_everywhere(request.user)
    return response
