"""Who can block what: every sensible pair of a unit and a place, as one matrix.

A unit at a place catches a route if it stands there `margin` seconds before the runner
passes for the last time. Pairs that catch nothing, or nothing that another pair of the
same unit doesn't catch too, are left out; they change no optimum.
"""

from typing import NamedTuple

import numpy as np


class Columns(NamedTuple):
    """Pairs (c) of a unit and a place, routes (r) of which equal ones are merged.

    units (c,), places (c,) rows; caught (c, r) bool; slack (c,) seconds from the unit's
    arrival to the first runner it catches; weights (r,) probabilities; merged (routes,)
    gives each sampled route its row in `caught`, -1 where no pair catches it; size the
    number of units; missed the weight of the routes that nobody can catch; quantum what
    each sampled route weighs if all weigh the same, else 0: shares are its multiples.
    """

    units: np.ndarray
    places: np.ndarray
    caught: np.ndarray
    slack: np.ndarray
    weights: np.ndarray
    merged: np.ndarray
    size: int
    missed: float
    quantum: float = 0.0


class Passes(NamedTuple):
    """When routes come by: sites (s,) rows of places; last (routes, s) seconds.

    A route that never passes a site does so at -inf.
    """

    sites: np.ndarray
    last: np.ndarray


def passes(graph, routes) -> Passes:
    """Return when each route comes by each place, or abreast of it, the last time."""
    rows, steps = np.nonzero(routes.nodes >= 0)
    nodes, seconds = routes.nodes[rows, steps], routes.seconds[rows, steps]
    near = graph.abreast
    counts = np.diff(near.indptr)[nodes]
    first = np.repeat(near.indptr[nodes] - (np.cumsum(counts) - counts), counts)
    blocked_at = near.indices[first + np.arange(counts.sum())]
    sites, columns = np.unique(blocked_at, return_inverse=True)
    last = np.full((len(routes.nodes), len(sites)), -np.inf)
    np.maximum.at(last, (np.repeat(rows, counts), columns), np.repeat(seconds, counts))
    return Passes(sites, last)


def columns(routes, passed: Passes, arrivals, margin: float) -> Columns:
    """Return the pairs worth considering; arrivals (units, n) seconds to all places."""
    at_sites = arrivals[:, passed.sites]
    units, places, caught, slack = [], [], [], []
    for unit, ready in enumerate(at_sites):
        early = passed.last - ready
        catches = (early >= margin).T
        spare = np.where(catches.T, early, np.inf).min(axis=0)
        kept = undominated(catches, spare)
        units.append(np.full(len(kept), unit))
        places.append(passed.sites[kept])
        caught.append(catches[kept])
        slack.append(spare[kept])
    size, count = len(at_sites), len(routes.weights)
    every = np.concatenate(caught) if size else np.empty((0, count), dtype=bool)
    rows, merged = _merge(every, count)
    weights = np.bincount(
        merged[merged >= 0], routes.weights[merged >= 0], minlength=len(rows)
    )
    return Columns(
        np.concatenate(units) if size else np.empty(0, dtype=int),
        np.concatenate(places) if size else np.empty(0, dtype=int),
        every[:, rows],
        np.concatenate(slack) if size else np.empty(0),
        weights,
        merged,
        size,
        float(routes.weights[merged < 0].sum()),
        float(routes.weights[0]) if np.ptp(routes.weights) == 0 else 0.0,
    )


def undominated(sets, spare=None):
    """Return the rows that catch something no other row also catches with more.

    Of equal rows the one with most seconds to spare is kept.
    """
    spare = np.zeros(len(sets)) if spare is None else spare
    sizes = sets.sum(axis=1)
    order = np.lexsort([-spare, -sizes])
    order = order[sizes[order] > 0]
    _, first = np.unique(np.packbits(sets[order], axis=1), axis=0, return_index=True)
    order = order[np.sort(first)]
    dense = sets[order].astype(np.float32)
    within = dense @ dense.T >= sizes[order][:, None]  # row a within row b
    np.fill_diagonal(within, False)
    return order[~within.any(axis=1)]


def _merge(caught, count):
    """Return (first rows of distinct routes, number of each route among them or -1)."""
    if not len(caught):
        return np.empty(0, dtype=int), np.full(count, -1)
    packed = np.packbits(caught.T, axis=1)
    _, first, group = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    is_caught = caught.any(axis=0)
    kept = is_caught[first]
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    return first[kept], number[group.ravel()]
