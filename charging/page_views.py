"""The drivers' page and the staff's board: thin shells around API and socket."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import path


def place():
    """Return what both pages must know of the place of business before they ask."""
    return {
        "zone": settings.BUSINESS_TIMEZONE,
        "opens": settings.BUSINESS_OPEN,
        "closes": settings.BUSINESS_CLOSE,
        "has_battery": bool(settings.BATTERY_DATABASE_URL),
    }


def reserve(request):
    return render(request, "charging/reserve.html", place())


@login_required
def board(request):
    if not request.user.is_staff:
        return render(request, "403.html", status=403)
    return render(request, "charging/board.html", place())


page_paths = [
    path("", reserve, name="home"),
    path("board", board, name="board"),
]
