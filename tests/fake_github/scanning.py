"""Endpoints of code scanning: a SARIF file arrives zipped, in base 64."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import uuid
import zlib
from typing import Any

from fake_github.exchange import Answer, Call, Refusal
from fake_github.world import Sarif

LARGEST = 10 * 1024 * 1024  # bytes, zipped


def upload(call: Call) -> Answer:
    asked: dict[str, Any] = call.json or {}
    try:
        zipped = base64.b64decode(call.text("sarif"), validate=True)
        if len(zipped) > LARGEST:
            raise Refusal(413, "The sarif payload is too large")
        text = gzip.decompress(zipped).decode()
        if json.loads(text)["version"] != "2.1.0":
            raise ValueError
    except (binascii.Error, OSError, EOFError, zlib.error, ValueError, KeyError):
        raise Refusal(400, "Invalid SARIF") from None
    sarif = Sarif(
        id=str(uuid.uuid4()),
        repository=call.repository.id,
        commit_sha=call.text("commit_sha"),
        ref=call.text("ref"),
        sarif=text,
        tool_name=asked.get("tool_name"),
    )
    call.world.sarifs.append(sarif)
    return Answer(202, {"id": sarif.id, "url": f"{call.shapes.at.api}{call.path}/{sarif.id}"})


def status(call: Call) -> Answer:
    for sarif in call.world.sarifs:
        if sarif.id == call.names["sarif_id"]:
            url = f"{call.shapes.repository_url(call.repository)}/code-scanning/analyses"
            return Answer(200, {"processing_status": "complete", "analyses_url": url})
    raise Refusal(404, "Not Found")
