"""Where roadblocks go, and which car takes which. Pure functions: no Django inside.

graph: places and the seconds between them; routes: where a runner may go; columns: who
can block what; solver, robust, containment: the best choice of it; planning: all of it
together.
"""
