from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from roadblock import maps, mgeo, surfaces


class Command(BaseCommand):
    help = "Check a road map's folder (MGeo format) and install a copy of its files."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)

    def handle(self, *, folder, **options):
        source = folder.resolve()
        target = settings.ROADBLOCK_MAPS_DIR / source.name
        try:
            with mgeo.replacing(target) as fresh:
                mgeo.copy(source, fresh)
                # The copy is what gets checked, and gets its surface if it has none.
                road_map = maps.read(fresh)
                area = surfaces.square_metres(surfaces.surface(fresh))
        except (mgeo.MapError, OSError) as error:
            raise CommandError(f"{source.name} was not installed: {error}") from error
        self.stdout.write(self.style.SUCCESS(f"Installed {source.name}"))
        for line in figures(road_map, area):
            self.stdout.write(line)
        default = settings.ROADBLOCK_DEFAULT_MAP_ID
        found = maps.installed(settings.ROADBLOCK_MAPS_DIR)
        number = next((each.id for each in found if each.folder == target), default)
        if number != default:
            self.stdout.write(
                f"This is map {number}, and cars appear on map {default}: set"
                f" ROADBLOCK_DEFAULT_MAP_ID={number}, or move cars in the admin."
            )


def figures(road_map: maps.RoadMap, area: float) -> list[str]:
    """What an operator may compare with what is known of the map; area in m²."""
    by_nodes = road_map.node_components()
    by_links = road_map.link_components()
    lane_km = sum(link.length for link in road_map.links.values()) / 1000
    return [
        f"nodes: {len(road_map.nodes)}",
        f"links: {len(road_map.links)}",
        f"lane km: {lane_km:.2f}",
        f"components (nodes): {_sizes(by_nodes)}",
        f"components (links, with lane changes): {_sizes(by_links)}",
        f"surface: {area / 10_000:.1f} ha",
        f"exits: {len(road_map.exits())}",
    ]


def _sizes(components) -> str:
    return f"{len(components.weak)} weak, largest strong {components.strong[0]}"
