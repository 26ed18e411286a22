from pathlib import Path

import pytest

from env.stand_in import stand_in_rom
from observer.config import Config, load, parse, schema
from observer.core.errors import ConfigError

ROOT = Path(__file__).parents[2]


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, source="config.yaml", folder=Path("/project"))
    assert caught.value.exit_code == 78
    return caught.value.problems


def test_the_shipped_file_is_the_defaults() -> None:
    assert load(ROOT / "config.yaml") == Config.default(ROOT)


def test_the_shipped_file_names_every_key() -> None:
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    for section, model in schema()["$defs"].items():
        for key in model["properties"]:
            assert f"{key}:" in text, f"{section}.{key}"


@pytest.mark.parametrize("text", ["", "queue:\n", "# nothing\n", "runs:\nenvironment:\n"])
def test_what_is_left_out_has_its_default(text: str) -> None:
    assert parse(text, source="config.yaml", folder=Path("/project")) == Config.default(Path("/project"))


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("runs: [{watch: in, output: /else/out}]\nenvironment: {rom: game.nes}\n")
    config = load(tmp_path / "mine.yaml")
    assert config.runs[0].watch == tmp_path / "in"
    assert config.runs[0].output == Path("/else/out")
    assert config.environment.rom_path == tmp_path / "game.nes"


def test_without_a_file_the_one_in_the_current_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None) == Config.default(tmp_path)
    (tmp_path / "config.yaml").write_text("workers: {count: 7}\n")
    assert load(None).workers.count == 7


def test_no_rom_means_the_game_that_comes_along() -> None:
    assert Config.default().environment.rom_path == stand_in_rom()


def test_every_problem_is_listed_with_its_place() -> None:
    found = problems("queue: {max_failures: 0, order: random}\nruns: [{wacht: x}]\nworkers: {count: two}\nclipz: {}\n")
    starts = {line.partition(":")[0] for line in found}
    assert starts == {"queue.max_failures", "queue.order", "runs.0.wacht", "workers.count", "clipz"}
    assert "runs.0.wacht: this key is not known; did you mean `runs.watch`? (given: 'x')" in found


def test_seeds_that_training_draws_are_a_problem() -> None:
    (problem,) = problems("evaluation: {first_seed: 3200, episodes: 100}")
    assert problem.startswith("evaluation: seeds 3200 to 3299")


def test_two_runs_in_one_folder_are_a_problem() -> None:
    (problem,) = problems("runs: [{name: a, output: x}, {name: b, output: x}]")
    assert problem == "two runs have the same output: /project/x"


def test_broken_yaml_is_named_with_its_line() -> None:
    (problem,) = problems("queue:\n  order: [newest_first\nruns: []\n")
    assert problem.startswith("line 3: ")


@pytest.mark.parametrize("text", ["- a list\n", "just words\n"])
def test_a_file_without_sections_is_a_problem(text: str) -> None:
    assert problems(text) == ["not a mapping of sections such as `runs:` and `queue:`"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml.*\n.*there is no such file"):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("watch", "output"), [("x", "x"), ("models/checkpoints", "models"), ("a/../x", "./x/."), ("seen/checkpoints", ".")]
)
def test_a_run_that_would_write_around_its_checkpoints_is_a_problem(watch: str, output: str) -> None:
    (problem,) = problems(f"runs: [{{watch: {watch}, output: {output}}}]")
    assert problem.startswith("runs.0: the output folder /project")
    assert problem.endswith("give `output` a folder of its own")


def test_an_output_below_the_watched_folder_is_none() -> None:
    parse("runs: [{watch: models, output: models/seen}]", source="config.yaml", folder=Path("/project"))


def test_two_runs_that_write_and_watch_the_same_folder_are_a_problem() -> None:
    (problem,) = problems("runs: [{name: a, watch: x, output: y}, {name: b, watch: y, output: z}]")
    assert "y" in problem


def test_the_same_output_spelt_in_two_ways_is_a_problem() -> None:
    (problem,) = problems("runs: [{name: a, watch: m, output: x}, {name: b, watch: n, output: ./o/../x}]")
    assert problem == "two runs have the same output: /project/x"


def test_all_that_two_runs_share_is_listed_at_once() -> None:
    assert problems("runs: [{name: a, output: x}, {name: a, output: x}]") == [
        "two runs have the same name: a; two runs have the same output: /project/x"
    ]


def test_a_wrong_kind_of_value_is_named_in_the_words_of_the_file() -> None:
    assert problems("runs: {name: a}\nworkers: 3\nclips: {choose: best}\n") == [
        "runs: this is a list: write `- ` before each entry, or [...] around them",
        "workers: this is a section: its keys stand below it (given: 3)",
        "clips.choose: this is a list: write `- ` before each entry, or [...] around them (given: 'best')",
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("run: []", "runs"),
        ("enviroment: {}", "environment"),
        ("environment: {level: 5}", "environment.scenario.level"),
        ("runs: [{wach: x}]", "runs.watch"),
        ("episodes: 5", "evaluation.episodes"),
    ],
)
def test_a_key_that_nearly_is_one_says_which(text: str, hint: str) -> None:
    (problem,) = problems(text)
    assert f"did you mean `{hint}`?" in problem


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        (
            "{scenario: {side: 2}}",
            "environment.scenario: side: 2 is played in mode 2p alone; in mode 1p the agent is player 1",
        ),
    ],
)
def test_options_that_do_not_go_together_are_a_problem_of_their_section(environment: str, problem: str) -> None:
    assert problems(f"environment: {environment}") == [problem]
