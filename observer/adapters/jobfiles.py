"""The files of a job directory: JSON on disk, frozen values in the program.

Every file carries its schema's name and version; what does not fit is refused with the key's path. Times are
Unix seconds in the values (`*_at`) and UTC ISO-8601 in the files.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from observer.core.clock import from_iso, iso
from observer.core.daemonstate import DaemonState
from observer.core.diagnosis import Diagnosis
from observer.core.errors import ResultInvalid
from observer.core.layout import JobFiles
from observer.core.models import (
    Episode,
    EvaluationRequest,
    EvaluationResult,
    Failure,
    Progress,
    RenderRequest,
    RenderResult,
    Summary,
)
from observer.core.plan import canonical_json, in_plan_order, plan_digest
from observer.core.selftest import SelfTestRequest, SelfTestResult
from observer.core.standing import Standing
from observer.core.timelapse import TimelapseRequest, TimelapseResult
from observer.files import append_line, write_whole

Value = TypeVar("Value")

_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {}

_LOG_TAIL_BYTES: Final = 600

SCHEMAS: Final[dict[type, str]] = {
    EvaluationRequest: "training-run-observer/evaluation-request/1",
    EvaluationResult: "training-run-observer/result/1",
    RenderRequest: "training-run-observer/render-request/1",
    RenderResult: "training-run-observer/render-result/1",
    SelfTestRequest: "training-run-observer/self-test-request/1",
    SelfTestResult: "training-run-observer/self-test/1",
    TimelapseRequest: "training-run-observer/timelapse-request/1",
    TimelapseResult: "training-run-observer/timelapse/1",
    Progress: "training-run-observer/progress/1",
    Failure: "training-run-observer/failure/1",
    DaemonState: "training-run-observer/daemon/1",
    Diagnosis: "training-run-observer/doctor/1",
    Standing: "training-run-observer/status/1",
}


def _with_times(value: Any, convert: Any) -> Any:  # noqa: ANN401 -- JSON values
    if isinstance(value, dict):
        return {
            key: convert(entry) if key.endswith("_at") and entry is not None else _with_times(entry, convert)
            for key, entry in value.items()
        }
    if isinstance(value, list | tuple):
        return [_with_times(entry, convert) for entry in value]
    return value


def plain(value: object) -> dict[str, Any]:
    """A value's fields as JSON values."""
    fields_: dict[str, Any] = json.loads(canonical_json(_fields(value)))
    return fields_


def _fields(value: Any) -> dict[str, Any]:  # noqa: ANN401 -- a dataclass of the table above
    return asdict(value)


def to_json(value: object) -> str:
    """The file's text: schema first, then the value's fields in their order."""
    return json.dumps(as_written(value), indent=1, allow_nan=False) + "\n"


def as_written(value: object) -> dict[str, Any]:
    """What a value's file holds."""
    body = _with_times(_fields(value), iso)
    if isinstance(value, EvaluationResult):
        body = {"plan_sha256": plan_digest(value.plan), **body}
    return {"schema": SCHEMAS[type(value)], **body}


def _adapter(kind: type[Value]) -> TypeAdapter[Value]:
    """Making one takes longer than reading a file with it."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def from_json(kind: type[Value], text: str | bytes, *, source: str) -> Value:
    """The value that `to_json` wrote.

    Raises:
        ResultInvalid: it is not such a file; the sentence names `source` and each key that is wrong.
    """
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or data.pop("schema", None) != SCHEMAS[kind]:
            raise ResultInvalid(f"{source}: its `schema` is not {SCHEMAS[kind]!r}")
        data.pop("plan_sha256", None)
        data = _with_times(data, from_iso)
        value: Value = _adapter(kind).validate_python(data)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise ResultInvalid(f"{source}: {wrong}") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise ResultInvalid(f"{source}: not readable ({error})") from error
    if json.loads(json.dumps(_fields(value))) != data:
        raise ResultInvalid(f"{source}: it has keys that this version does not know, or lacks some")
    return value


def write(path: Path, value: object) -> None:
    """Write the value's file, whole or not at all."""
    write_whole(path, to_json(value))


def read(kind: type[Value], path: Path) -> Value:
    """Read the value of a file.

    Raises:
        ResultInvalid: the file is missing or does not fit.
    """
    try:
        return from_json(kind, path.read_bytes(), source=path.name)
    except OSError as error:
        raise ResultInvalid(f"{path.name}: {error.strerror}") from error


Requests = type[EvaluationRequest] | type[RenderRequest] | type[TimelapseRequest] | type[SelfTestRequest]
_REQUESTS: Final[tuple[Requests, ...]] = (EvaluationRequest, RenderRequest, TimelapseRequest, SelfTestRequest)


def request_kind(path: Path) -> Requests:
    """Which task a request.json holds.

    Raises:
        ResultInvalid: it is no request of ours.
    """
    try:
        schema = json.loads(path.read_bytes()).get("schema")
    except (OSError, ValueError, AttributeError) as error:
        raise ResultInvalid(f"{path}: not a request ({error})") from error
    found = next((kind for kind in _REQUESTS if SCHEMAS[kind] == schema), None)
    if found is None:
        raise ResultInvalid(f"{path}: a request with schema {schema!r} is not known to this version")
    return found


def append_episode(path: Path, episode: Episode) -> None:
    """Add a finished game durably."""
    append_line(path, canonical_json(asdict(episode)))


def write_episodes(path: Path, episodes: Sequence[Episode]) -> None:
    """Begin the file with these games; what it held, torn lines too, is gone."""
    write_whole(path, "".join(canonical_json(asdict(episode)) + "\n" for episode in episodes))


def read_episodes(path: Path) -> tuple[Episode, ...]:
    """The finished games of an attempt; a line torn by a crash is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    adapter, found = _adapter(Episode), list[Episode]()
    for line in lines:
        try:
            found.append(adapter.validate_json(line))
        except ValidationError:
            continue
    return tuple(found)


def episodes_csv(episodes: tuple[Episode, ...]) -> str:
    """The table of one evaluation's games, a row a game in the order of the plan."""
    table = io.StringIO()
    writer = csv.DictWriter(table, [entry.name for entry in fields(Episode)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(episode) for episode in episodes)
    return table.getvalue()


def read_result(path: Path, request: EvaluationRequest) -> EvaluationResult:
    """The result of an attempt, checked against what was asked.

    Raises:
        ResultInvalid: another checkpoint or plan, or a planned game is missing.
    """
    result = read(EvaluationResult, path)
    if result.checkpoint.digest != request.checkpoint.digest or result.plan != request.plan:
        raise ResultInvalid(f"{path.name}: it answers another request")
    try:
        in_plan_order(result.plan, result.episodes)
    except ValueError as error:
        raise ResultInvalid(f"{path.name}: {error}") from error
    return result


def summary_of(text: str) -> Summary:
    """A summary that `plain` made of one."""
    found: Summary = _adapter(Summary).validate_json(text)
    return found


def last_words(files: JobFiles) -> str:
    """What a worker that came to no result said of it: the sentence of its failure, or else the end of its log."""
    try:
        return read(Failure, files.failure).sentence
    except ResultInvalid:
        pass
    try:
        tail = files.log.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
    except OSError:
        return ""
    return " / ".join(line.strip() for line in tail.splitlines() if line.strip())
