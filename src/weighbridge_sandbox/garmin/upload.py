"""The upload service of the sandbox's Garmin (docs/reference/garmin.md#uploads).

202  accepted (``upload_answer`` changes it to 200 or 201)
200  blood pressure: accepted, and never seen again (withings-sync#204)
400  there is no part called ``file``
409  the same bytes again, while weigh-ins of the first time are still there
415  not a FIT file, or one that breaks a rule of ``fit.py``
501  the package ``fitdecode`` is missing here
504  more than 1000 weigh-ins
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.policy import HTTP
from random import Random
from typing import Any, Literal

import msgspec

from weighbridge_sandbox.garmin.accounts import GarminAccount
from weighbridge_sandbox.garmin.fit import FitFile, FitRuleError, read_fit
from weighbridge_sandbox.garmin.times import text_of
from weighbridge_sandbox.garmin.weight import WeighIns
from weighbridge_sandbox.messages import Request, Response

PATH = "/upload-service/upload"
UNSUPPORTED = "The file is of a type we do not support."

_STATUS_PATH = "https://connectapi.garmin.com/activity-service/activity/status"


class Upload(msgspec.Struct):
    """One file that was sent to us, whatever became of it."""

    upload_id: int
    account: str
    received_at: float
    file_name: str
    size: int
    sha256: str
    status: int = 0
    rows: int = 0
    reason: str = ""
    versions: list[int] = []


class Poison(msgspec.Struct, forbid_unknown_fields=True):
    """Files with a weigh-in at one of these instants (Unix seconds) are refused as a whole."""

    timestamps: frozenset[int] = frozenset()
    status: Literal[400, 415] = 415


class Ordered(msgspec.Struct, forbid_unknown_fields=True):
    """How good files are answered. With ``failure`` they are answered so ``times`` times, nothing
    is stored, and the text stands among the failures of a successful status."""

    status: Literal[200, 201, 202] = 202
    failure: str | None = None
    times: int = 1


class Uploads:
    """Takes files, keeps a list of them, hands their rows to the weigh-ins."""

    def __init__(self, clock: Callable[[], float], random: Random, weigh_ins: WeighIns) -> None:
        self.uploads: list[Upload] = []
        self.poison = Poison()
        self.ordered = Ordered()
        self._clock = clock
        self._random = random
        self._weigh_ins = weigh_ins

    def answer(self, request: Request, account: GarminAccount) -> Response:
        """One upload."""
        part = file_part(request)
        if part is None:
            return Response.of_json({"message": "HTTP 400 Bad Request: no part called file"}, 400)
        upload = self._note(account, *part)
        earlier = self._same(upload)
        if earlier is not None:
            return self._refuse(upload, 409, 202, "Duplicate Activity.", known_as=earlier.upload_id)
        try:
            return self._take(upload, account, _decode(*part))
        except FitRuleError as problem:
            return self._refuse_file(upload, problem)
        except ImportError:
            upload.status, upload.reason = 501, "fitdecode is missing"
            remedy = "Install it where the sandbox runs: pip install 'weighbridge[sandbox]'"
            return Response.of_json({"message": f"fitdecode is missing. {remedy}"}, 501)

    def _note(self, account: GarminAccount, name: str, content: bytes) -> Upload:
        digest = hashlib.sha256(content).hexdigest()
        number = 1_000_001 + len(self.uploads)
        upload = Upload(number, account.email, self._clock(), name, len(content), digest)
        self.uploads.append(upload)
        return upload

    def _same(self, upload: Upload) -> Upload | None:
        """An earlier upload of these bytes whose weigh-ins were not all deleted since."""
        standing = {row.version for row in self._weigh_ins.rows}
        for earlier in self.uploads:
            same = earlier.sha256 == upload.sha256 and earlier.account == upload.account
            if same and not standing.isdisjoint(earlier.versions):
                return earlier
        return None

    def _take(self, upload: Upload, account: GarminAccount, file: FitFile) -> Response:
        poisoned = sorted({row.taken_at for row in file.rows} & self.poison.timestamps)
        if poisoned:
            return self._refuse(upload, self.poison.status, 415, f"poisoned: {poisoned}")
        if not file.rows:
            upload.reason = "blood pressure in FIT files is lost"
            return self._accept(upload, 200)
        if self.ordered.failure is not None and self.ordered.times > 0:
            self.ordered.times -= 1
            return self._refuse(upload, self.ordered.status, 415, self.ordered.failure)
        for row in file.rows:
            stored = self._weigh_ins.add(account, row.taken_at * 1000, row.values)
            self._weigh_ins.hide(stored)
            upload.versions.append(stored.version)
        upload.rows = len(file.rows)
        return self._accept(upload, self.ordered.status)

    def _accept(self, upload: Upload, status: int) -> Response:
        upload.status = status
        response = Response.of_json(self._envelope(upload), status)
        if status == 202:
            place = f"{int(upload.received_at * 1000)}/{self._random.getrandbits(128):032x}"
            response.headers["location"] = f"{_STATUS_PATH}/{place}"
            response.headers["location-in-milliseconds"] = "1000"
        return response

    def _refuse_file(self, upload: Upload, problem: FitRuleError) -> Response:
        if problem.too_big:
            upload.status, upload.reason = 504, problem.reason
            return Response.of_html("<html><title>504 Gateway Time-out</title></html>", 504)
        return self._refuse(upload, 415, 415, UNSUPPORTED, f"sandbox: {problem.reason}")

    def _refuse(
        self, upload: Upload, status: int, code: int, *texts: str, known_as: int | None = None
    ) -> Response:
        """An envelope with one failure, whose messages are these texts."""
        upload.status, upload.reason = status, texts[-1]
        messages = [{"code": code, "content": text} for text in texts]
        failure = {"internalId": known_as, "externalId": "", "messages": messages}
        return Response.of_json(self._envelope(upload, [failure]), status)

    def _envelope(self, upload: Upload, failures: Sequence[Any] = ()) -> dict[str, Any]:
        """What Garmin answers, good or bad (docs/reference/garmin.md#uploads)."""
        created = text_of(int(upload.received_at * 1000)).replace("T", " ")
        result = {
            "uploadId": "" if failures else upload.upload_id,
            "uploadUuid": None if failures else {"uuid": f"{self._random.getrandbits(128):032x}"},
            "owner": None,
            "fileSize": upload.size,
            "processingTime": 42,
            "creationDate": f"{created} GMT",
            "ipAddress": None,
            "fileName": upload.file_name,
            "report": None,
            "successes": [],
            "failures": list(failures),
        }
        return {"detailedImportResult": result}


def file_part(request: Request) -> tuple[str, bytes] | None:
    """Name and content of the multipart part called ``file``, or None when there is none."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return None
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    for part in message_from_bytes(head + request.body, policy=HTTP).walk():
        name = part.get_filename()
        if part.get_param("name", header="content-disposition") == "file" and name:
            content = part.get_payload(decode=True)
            return name, content if isinstance(content, bytes) else b""
    return None


def _decode(name: str, content: bytes) -> FitFile:
    """Raises FitRuleError; the sandbox keeps no activities, so GPX and TCX are refused too."""
    ending = name.rpartition(".")[2].lower()
    if ending != "fit":
        raise FitRuleError(f"the sandbox reads .fit files, not .{ending}")
    return read_fit(content)
