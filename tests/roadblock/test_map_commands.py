import pytest
from django.core.management import CommandError, call_command

from roadblock import maps, town


@pytest.fixture(autouse=True)
def maps_dir(settings, tmp_path):
    settings.ROADBLOCK_MAPS_DIR = tmp_path / "maps"
    return settings.ROADBLOCK_MAPS_DIR


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivered") / "TOWN"
    town.build(folder)
    (folder / "merged_road_surfaces.geojson").unlink()
    (folder / "traffic_sign_set.json").write_text("[]")
    return folder


def test_import_map_installs_what_is_needed(maps_dir, delivered, capsys):
    call_command("import_map", str(delivered))

    (info,) = maps.installed(maps_dir)
    assert info[:2] == (101, "TOWN")
    assert (info.folder / "merged_road_surfaces.geojson").is_file()
    assert not (info.folder / "traffic_sign_set.json").exists()
    printed = capsys.readouterr().out
    road_map = maps.load(delivered)
    assert f"nodes: {len(road_map.nodes)}\n" in printed
    assert f"links: {len(road_map.links)}\n" in printed
    assert "components (nodes): 1 weak" in printed
    assert "exits: 12\n" in printed


def test_import_map_refuses_a_broken_one_and_keeps_the_old(
    maps_dir, delivered, tmp_path
):
    call_command("import_map", str(delivered))
    broken = tmp_path / "TOWN"
    broken.mkdir()
    (broken / "node_set.json").write_text("[]")

    with pytest.raises(CommandError, match=r"TOWN was not installed.*link_set\.json"):
        call_command("import_map", str(broken))

    assert len(maps.installed(maps_dir)) == 1


def test_import_map_of_no_folder(maps_dir, tmp_path):
    with pytest.raises(CommandError, match=r"node_set\.json can't be read"):
        call_command("import_map", str(tmp_path / "nowhere"))

    assert maps.installed(maps_dir) == []


def test_make_town_builds_once(maps_dir, capsys):
    call_command("make_town")
    first = maps.load(maps_dir / "MADANG_TOWN")
    call_command("make_town", "--seed", "1")

    assert maps.load(maps_dir / "MADANG_TOWN") is first
    assert capsys.readouterr().out == (
        "Built Madang Town\nMadang Town is already there\n"
    )

    call_command("make_town", "--seed", "1", "--force")

    assert maps.load(maps_dir / "MADANG_TOWN").nodes != first.nodes


def test_make_town_with_a_senseless_seed(maps_dir):
    with pytest.raises(CommandError, match="non-negative"):
        call_command("make_town", "--seed", "-1")


def test_chases_are_evaluated_with_their_intervals(capsys):
    call_command("make_town", verbosity=0)

    call_command(
        "evaluate_interception",
        *("--chases", "2", "--police", "2", "--seconds", "5"),
        *("--runner-model", "walk", "--runner-model", "evade", "--processes", "1"),
    )

    told = capsys.readouterr().out
    for text in ("Runner model walk, 2 chases:", "All models, 4 chases:", "pursuit"):
        assert text in told
    assert told.count("planner over greedy") == 3


@pytest.mark.parametrize(
    "options",
    [["--map", "77"], ["--chases", "0"], ["--seconds", "0"], ["--runner-pace", "0"]],
)
def test_senseless_evaluations_are_refused(options):
    with pytest.raises(CommandError):
        call_command("evaluate_interception", *options)
