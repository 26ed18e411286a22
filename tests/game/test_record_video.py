"""Gymnasium's own recorder of pictures around our environment, as somebody would use it."""

from pathlib import Path

import av
from gymnasium.wrappers import RecordVideo

from env.boot import StartStates
from env.drmario import DrMarioEnv
from env.lane import GameSettings


def test_every_so_manieth_game_is_a_video_of_gymnasiums_recorder(starts: StartStates, tmp_path: Path) -> None:
    env = DrMarioEnv(starts, GameSettings(frame_limit=40), render_mode="rgb_array")
    videos = RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda episode: episode % 2 == 0)
    for seed in range(3):
        videos.reset(seed=seed)
        while not any(videos.step(1)[2:4]):  # type: ignore[arg-type]
            pass
    videos.close()  # type: ignore[no-untyped-call]
    found = sorted((tmp_path / "videos").glob("*.mp4"))
    assert [path.name for path in found] == ["rl-video-episode-0.mp4", "rl-video-episode-2.mp4"]
    for path in found:
        with av.open(str(path)) as video:
            pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert len(pictures) in {11, 12}  # the first picture, and one a step of four frames
        assert pictures[0].shape == (224, 256, 3)
        assert pictures[0].std() > 10
