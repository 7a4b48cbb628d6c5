"""The two statements of a booking: store it, or look what stands in its way.

They are written out, and planned by the database once for each connection: planning
them every time would take it longer than doing them.
"""

from dataclasses import dataclass

import psycopg
from django.db import connection


@dataclass(frozen=True)
class Place:
    """A bay as `LOOK` finds it."""

    id: int
    opens: int | None
    closes: int | None
    is_closed: bool
    is_out: bool
    is_taken: bool
    plate_is_busy: bool

    @property
    def is_free(self):
        return not (self.is_out or self.is_taken or self.plate_is_busy)


LOOK = """
SELECT bay.id, hours.opens, hours.closes,
  EXISTS (
    SELECT FROM charging_closure
    WHERE %(date)s BETWEEN first_day AND last_day),
  EXISTS (
    SELECT FROM charging_outage outage,
      unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS w(s, e)
    WHERE outage.session_id = bay.id AND outage.starts_at < w.e
      AND outage.ends_at > w.s),
  EXISTS (
    SELECT FROM charging_reservationslot
    WHERE session_id = bay.id AND slot_start = ANY(%(slots)s::timestamptz[])),
  EXISTS (
    SELECT FROM charging_reservationslot
    WHERE plate_normalized = %(plate)s AND slot_start = ANY(%(slots)s::timestamptz[]))
FROM charging_chargingsession bay
LEFT JOIN charging_businesshours hours ON hours.weekday = %(weekday)s
WHERE %(bay)s::int IS NULL OR bay.id = %(bay)s::int
ORDER BY bay.id
"""

# The bay's row is only locked when nothing is in the way. A race between that look and
# the lock ends at the unique constraints.
STORE = """
WITH bay AS (
  SELECT id FROM charging_chargingsession
  WHERE id = %(bay)s
    AND COALESCE(
      (SELECT opens < closes AND opens <= %(first)s AND closes >= %(last)s
       FROM charging_businesshours WHERE weekday = %(weekday)s),
      %(in_default_hours)s)
    AND NOT EXISTS (
      SELECT FROM charging_closure WHERE %(date)s BETWEEN first_day AND last_day)
    AND NOT EXISTS (
      SELECT FROM charging_outage outage,
        unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS w(s, e)
      WHERE outage.session_id = %(bay)s AND outage.starts_at < w.e
        AND outage.ends_at > w.s)
    AND NOT EXISTS (
      SELECT FROM charging_reservationslot
      WHERE session_id = %(bay)s AND slot_start = ANY(%(slots)s::timestamptz[]))
    AND NOT EXISTS (
      SELECT FROM charging_reservationslot
      WHERE plate_normalized = %(plate)s
        AND slot_start = ANY(%(slots)s::timestamptz[]))
  FOR NO KEY UPDATE
), made AS (
  INSERT INTO charging_reservation (
    id, session_id, owner_id, plate, plate_normalized, contact_email,
    starts_at, ends_at, created_at, updated_at, status, cancel_reason, held_until)
  SELECT new.id, bay.id, %(owner)s::uuid, %(typed)s, %(plate)s, %(email)s,
    new.s, new.e, %(now)s, %(now)s, 'CONFIRMED', '', %(held)s::timestamptz
  FROM bay,
    unnest(%(ids)s::uuid[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
      AS new(id, s, e)
)
INSERT INTO charging_reservationslot
  (reservation_id, session_id, plate_normalized, slot_start)
SELECT new.id, bay.id, %(plate)s, new.slot
FROM bay, unnest(%(slot_of)s::uuid[], %(slots)s::timestamptz[]) AS new(id, slot)
ORDER BY new.slot
"""


def look(values):
    """Return the Place of a bay, or of all of them; [] when there is none.

    Locks nothing, so what it saw free may be taken a moment later.
    """
    with execute(LOOK, values) as cursor:
        return [Place(*row) for row in cursor.fetchall()]


def store(values):
    """Insert reservations and their half hours; return how many half hours."""
    with execute(STORE, values) as cursor:
        return cursor.rowcount


def execute(statement, values):
    """Run a statement that the connection keeps prepared; return its cursor."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0
    cursor = psycopg.Cursor(connection.connection)  # Django's own never prepares
    with connection.wrap_database_errors:
        return cursor.execute(statement, values, prepare=True)
