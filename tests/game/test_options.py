import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from env.options import (
    ENVIRONMENT_SCHEMA,
    ActionsName,
    EnvironmentOptions,
    ObservationName,
    OptionsError,
    Scenario,
    Speed,
)

SCENARIOS = st.builds(Scenario, level=st.integers(0, 20), speed=st.sampled_from(get_args(Speed)))
OPTIONS = st.builds(
    EnvironmentOptions,
    scenario=SCENARIOS,
    observation=st.sampled_from(get_args(ObservationName)),
    actions=st.sampled_from(get_args(ActionsName)),
    frame_skip=st.integers(1, 60),
)


@settings(deadline=None, max_examples=50)
@given(OPTIONS)
def test_options_come_back_from_their_json(options: EnvironmentOptions) -> None:
    assert EnvironmentOptions.from_json(options.to_json(), source="environment.json") == options


def test_options_left_out_have_their_defaults() -> None:
    given_options = {"schema": ENVIRONMENT_SCHEMA, "scenario": {"level": 3}, "actions": "placement"}
    expected = EnvironmentOptions(scenario=Scenario(level=3), actions="placement")
    assert EnvironmentOptions.from_json(json.dumps(given_options), source="x") == expected


@pytest.mark.parametrize("value", [-1, 21, 2.5, 1.0, True, "5", None, [3], float("nan")])
def test_a_level_that_the_game_has_not_is_said_in_a_sentence(value: Any) -> None:  # noqa: ANN401 -- anything but a level
    with pytest.raises(OptionsError, match=r"^level: .* is not a level of the game; choose 0 to 20$"):
        Scenario(level=value)


@pytest.mark.parametrize("value", ["fast", "MED", "", 1, None, [], {}])
def test_a_speed_that_the_game_has_not_is_said_in_a_sentence(value: Any) -> None:  # noqa: ANN401 -- as above
    with pytest.raises(OptionsError, match=r"^speed: .* is not a speed of the game; choose low, med or hi$"):
        Scenario(speed=value)


@pytest.mark.parametrize("value", [0, 2, True, 1.0, "1", None])
def test_only_the_one_player_game_is_offered(value: Any) -> None:  # noqa: ANN401 -- as above
    with pytest.raises(OptionsError, match=r"^players: .* is not offered; the one-player game is 1$"):
        Scenario(players=value)


@pytest.mark.parametrize("value", [0, -4, 61, 4.0, True, "4", None])
def test_a_frame_skip_that_is_no_number_of_frames_is_said_in_a_sentence(value: Any) -> None:  # noqa: ANN401 -- as above
    with pytest.raises(OptionsError, match=r"^frame_skip: .* is not a number of frames from 1 to 60$"):
        EnvironmentOptions(frame_skip=value)


@pytest.mark.parametrize("key", ["observation", "actions", "reward"])
@pytest.mark.parametrize("value", ["pixels", "", None, 3, ["pad"]])
def test_an_unknown_name_is_said_with_those_that_are_known(key: str, value: object) -> None:
    with pytest.raises(OptionsError, match=f"^{key}: .* is not known; choose "):
        EnvironmentOptions.from_mapping({key: value})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "its `schema` is not"),
        ("null", "its `schema` is not"),
        ("{}", "its `schema` is not"),
        ('{"schema": "something/else/1"}', "its `schema` is not"),
    ],
)
def test_a_text_that_is_no_environment_file_is_said_with_its_source(text: str, sentence: str) -> None:
    with pytest.raises(OptionsError, match=f"^runs/a/environment.json: {sentence}") as raised:
        EnvironmentOptions.from_json(text, source="runs/a/environment.json")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"frameskip": 4}, "unknown option"),
        ({"scenario": 3}, "scenario: not an object"),
        ({"scenario": None}, "scenario: not an object"),
        ({"scenario": {"lvl": 3}}, "scenario: unknown key"),
        ({"scenario": {"level": 99}}, "level: 99 is not a level"),
        ({"frame_skip": 1000}, "frame_skip: 1000"),
    ],
)
def test_a_wrong_key_or_value_in_an_environment_file_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    text = json.dumps({"schema": ENVIRONMENT_SCHEMA, **change})
    with pytest.raises(OptionsError, match=f"^here: {sentence}") as raised:
        EnvironmentOptions.from_json(text, source="here")
    assert "\n" not in str(raised.value)


@settings(deadline=None, max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_options_or_an_options_error(value: object) -> None:
    for make in (lambda: value, lambda: {"schema": ENVIRONMENT_SCHEMA, "scenario": value, "frame_skip": value}):
        _read_or_refuse(make)


def _read_or_refuse(make: Callable[[], object]) -> None:
    with suppress(OptionsError):
        EnvironmentOptions.from_json(json.dumps(make()), source="x")


def test_a_scenario_has_a_name_fit_for_folders() -> None:
    assert Scenario(level=20, speed="hi").name == "1p-level20-hi"
