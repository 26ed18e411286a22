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
    Length,
    ObservationName,
    OpponentName,
    OptionsError,
    Scenario,
    Speed,
)

ALONE: dict[str, Any] = {"mode": st.just("1p")}
VERSUS: dict[str, Any] = {"mode": st.just("2p"), "side": st.sampled_from([1, 2])}
VS_CPU: dict[str, Any] = {"mode": st.just("vs_cpu")}
MATCHES: dict[str, Any] = {"length": st.sampled_from(get_args(Length))}


def scenarios(**fields: Any) -> st.SearchStrategy[Scenario]:  # noqa: ANN401 -- strategies
    return st.builds(Scenario, level=st.integers(0, 20), speed=st.sampled_from(get_args(Speed)), **fields)


def options(scenario: st.SearchStrategy[Scenario], **fields: Any) -> st.SearchStrategy[EnvironmentOptions]:  # noqa: ANN401 -- as above
    return st.builds(
        EnvironmentOptions,
        scenario=scenario,
        actions=st.sampled_from(get_args(ActionsName)),
        frame_skip=st.integers(1, 60),
        **fields,
    )


OPTIONS = st.one_of(
    options(scenarios(**ALONE), observation=st.sampled_from(get_args(ObservationName))),
    options(scenarios(**VERSUS, **MATCHES), opponent=st.sampled_from(get_args(OpponentName))),
    options(scenarios(**VS_CPU, **MATCHES)),
)


@settings(max_examples=50)
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


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"mode": "3p"}, "mode: '3p' is not a mode of the game; choose 1p, 2p or vs_cpu"),
        ({"mode": 1}, "mode: 1 is not a mode of the game; choose 1p, 2p or vs_cpu"),
        ({"mode": ["1p"]}, r"mode: \['1p'\] is not a mode of the game; choose 1p, 2p or vs_cpu"),
        ({"mode": "2p", "side": 3}, "side: 3 is not a side; choose 1, 2 or both"),
        ({"mode": "2p", "side": True}, "side: True is not a side; choose 1, 2 or both"),
        ({"mode": "2p", "side": "2"}, "side: '2' is not a side; choose 1, 2 or both"),
        ({"side": 2}, "side: 2 is played in mode 2p alone; in mode 1p the agent is player 1"),
        ({"mode": "vs_cpu", "side": 2}, "side: 2 is played in mode 2p alone; in mode vs_cpu the agent is player 1"),
        ({"mode": "2p", "length": "set"}, "length: 'set' is not known; choose round or match"),
        ({"length": "match"}, "length: a match is played in the modes 2p and vs_cpu; in mode 1p choose round"),
    ],
)
def test_a_scenario_that_is_not_offered_is_said_in_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionsError, match=f"^{sentence}$"):
        Scenario(**fields)


@pytest.mark.parametrize(
    ("mode", "fields", "sentence"),
    [
        ("1p", {"opponent": "random"}, "opponent: random plays in mode 2p alone; leave it out in mode 1p"),
        ("vs_cpu", {"opponent": "random"}, "opponent: random plays in mode 2p alone; leave it out in mode vs_cpu"),
    ],
)
def test_an_option_that_does_not_go_with_the_scenario_is_said_in_a_sentence(
    mode: Any,  # noqa: ANN401 -- a literal
    fields: dict[str, Any],
    sentence: str,
) -> None:
    with pytest.raises(OptionsError, match=f"^{sentence}$"):
        EnvironmentOptions(scenario=Scenario(mode=mode), **fields)


@pytest.mark.parametrize("value", [0, -4, 61, 4.0, True, "4", None])
def test_a_frame_skip_that_is_no_number_of_frames_is_said_in_a_sentence(value: Any) -> None:  # noqa: ANN401 -- as above
    with pytest.raises(OptionsError, match=r"^frame_skip: .* is not a number of frames from 1 to 60$"):
        EnvironmentOptions(frame_skip=value)


@pytest.mark.parametrize("key", ["observation", "actions", "reward", "opponent"])
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
        ({"scenario": {"players": 1}}, 'scenario: `players` has become `mode`; write "mode": "1p"'),
        ({"scenario": {"level": 99}}, "level: 99 is not a level"),
        ({"frame_skip": 1000}, "frame_skip: 1000"),
    ],
)
def test_a_wrong_key_or_value_in_an_environment_file_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    text = json.dumps({"schema": ENVIRONMENT_SCHEMA, **change})
    with pytest.raises(OptionsError, match=f"^here: {sentence}") as raised:
        EnvironmentOptions.from_json(text, source="here")
    assert "\n" not in str(raised.value)


@settings(max_examples=50)
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


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "1p-level0-med"),
        ({"level": 20, "speed": "hi"}, "1p-level20-hi"),
        ({"mode": "2p", "level": 5, "speed": "hi"}, "2p-level5-hi"),
        ({"mode": "2p", "side": 2}, "2p-level0-med-side2"),
        ({"mode": "2p", "side": 2, "length": "match"}, "2p-level0-med-side2-match"),
        ({"mode": "vs_cpu"}, "vs_cpu-level0-med"),
        ({"mode": "vs_cpu", "length": "match"}, "vs_cpu-level0-med-match"),
    ],
)
def test_a_scenario_has_a_name_fit_for_folders(fields: dict[str, Any], name: str) -> None:
    assert Scenario(**fields).name == name
