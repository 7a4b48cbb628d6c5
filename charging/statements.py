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


# What a bay is like for a plate at some times.
FACTS = """
SELECT bay.id, hours.opens, hours.closes,
  EXISTS (
    SELECT FROM charging_closure
    WHERE %(date)s BETWEEN first_day AND last_day) AS is_closed,
  EXISTS (
    SELECT FROM charging_outage outage,
      unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS w(s, e)
    WHERE outage.session_id = bay.id AND outage.starts_at < w.e
      AND outage.ends_at > w.s) AS is_out,
  EXISTS (
    SELECT FROM charging_reservationslot
    WHERE session_id = bay.id
      AND slot_start = ANY(%(slots)s::timestamptz[])) AS is_taken,
  EXISTS (
    SELECT FROM charging_reservationslot
    WHERE plate_normalized = %(plate)s
      AND slot_start = ANY(%(slots)s::timestamptz[])) AS plate_is_busy
FROM charging_chargingsession bay
LEFT JOIN charging_businesshours hours ON hours.weekday = %(weekday)s
"""
LOOK = FACTS + "WHERE %(bay)s::int IS NULL OR bay.id = %(bay)s::int ORDER BY bay.id"

# The bay's row is only locked when nothing is in the way, and shared: bookings are kept
# apart by their half hours, while an outage waits for those that are under way. A race
# ends at the unique constraints. It cannot end in a deadlock: everybody takes half
# hours in the order of time, and waits only for one later than all that he has.
STORE = f"""
WITH facts AS MATERIALIZED ({FACTS} WHERE bay.id = %(bay)s),
bay AS (
  SELECT id FROM charging_chargingsession
  WHERE id = (
    SELECT id FROM facts
    WHERE NOT (is_closed OR is_out OR is_taken OR plate_is_busy)
      AND COALESCE(
        opens < closes AND opens <= %(first)s AND closes >= %(last)s,
        %(in_default_hours)s))
  FOR KEY SHARE
), made AS (
  INSERT INTO charging_reservation (
    id, session_id, owner_id, plate, plate_normalized, contact_email,
    starts_at, ends_at, created_at, updated_at, status, cancel_reason, held_until)
  SELECT new.id, bay.id, %(owner)s::uuid, %(typed)s, %(plate)s, %(email)s,
    new.s, new.e, %(now)s, %(now)s, 'CONFIRMED', '', %(held)s::timestamptz
  FROM bay,
    unnest(%(ids)s::uuid[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
      AS new(id, s, e)
), held AS (
  INSERT INTO charging_reservationslot
    (reservation_id, session_id, plate_normalized, slot_start)
  SELECT new.id, bay.id, %(plate)s, new.slot
  FROM bay, unnest(%(slot_of)s::uuid[], %(slots)s::timestamptz[]) AS new(id, slot)
  ORDER BY new.slot
  RETURNING 1
)
SELECT facts.*, EXISTS (SELECT FROM held) FROM facts
"""


def look(values):
    """Return the Place of a bay, or of all of them; [] when there is none.

    Locks nothing, so what it saw free may be taken a moment later.
    """
    return [Place(*row) for row in execute(LOOK, values)]


def store(values):
    """Insert reservations and their half hours if nothing is in the way.

    Returns the Place as it was before, or None when there is no such bay, and whether
    they are stored.
    """
    for *facts, is_stored in execute(STORE, values):
        return Place(*facts), is_stored
    return None, False


def execute(statement, values):
    """Run a statement that the connection keeps prepared; return its rows."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        if connection.connection.prepare_threshold != 0:  # a new one
            # By itself the database plans a statement with arrays every time.
            connection.connection.execute("SET plan_cache_mode = force_generic_plan")
            connection.connection.prepare_threshold = 0
        cursor = psycopg.Cursor(connection.connection)  # Django's own never prepares
        return cursor.execute(statement, in_text(values), prepare=True).fetchall()


def in_text(values):
    """Return the values with the lists of moments and ids as PostgreSQL writes them.

    psycopg looks at every element of a list first, for longer than this takes.
    """
    return {
        name: f"{{{','.join(map(str, value))}}}" if isinstance(value, list) else value
        for name, value in values.items()
    }
