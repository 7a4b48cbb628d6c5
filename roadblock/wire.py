"""The key that all vehicles share, and the groups that roadblock publishes to."""

from django.conf import settings

SHARED_KEY = settings.HMAC_SECRET_KEY.encode()

# Who listens
DASHBOARD_VEHICLES = "roadblock.dashboard.vehicles"  # /ws/front/vehicles
DASHBOARD_EVENTS = "roadblock.dashboard.events"  # /ws/front/events
CARS_ON_VEHICLES = "roadblock.cars.vehicles"  # /ws/vehicles
CARS_ON_EVENTS = "roadblock.cars.events"  # /ws/events
TRACKERS = "roadblock.trackers"  # one in each server process
PLANS = "roadblock.plans"  # dashboards that follow plans, on /ws/front/events
ALERTS = "roadblock.alerts"  # readers of /alerts/stream
EVENT_LOG = "roadblock.event-log"  # readers of /vehicles/events/stream
