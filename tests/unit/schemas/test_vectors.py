"""The vectors: their digests by the standard library alone, their bytes as Cal.com writes them."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from tests.schema_tools import CALCOM_TRIGGERS, VECTORS, manifest, read

MANIFEST = manifest()
BODIES = [pytest.param(vector, id=vector["name"]) for vector in MANIFEST["vectors"]]
SIGNATURES = [pytest.param(v, id=v["name"]) for v in read("signatures.json")["vectors"]]


def digest(secret, body):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def body_of(vector):
    return (VECTORS / "calcom" / vector["file"]).read_bytes()


def test_the_manifest_lists_every_body_and_nothing_else():
    listed = [vector["file"] for vector in MANIFEST["vectors"]]
    present = {path.name for path in (VECTORS / "calcom").iterdir()} - {"manifest.json"}
    assert sorted(listed) == sorted(present)
    assert len(listed) == 32


def test_only_the_trigger_without_a_public_shape_has_no_vector():
    covered = {vector["triggerEvent"] for vector in MANIFEST["vectors"]}
    assert {*CALCOM_TRIGGERS, "PING"} - covered == {"CALENDAR_ENTRY_REJECTED"}


@pytest.mark.parametrize("vector", BODIES)
def test_a_body_has_the_bytes_the_manifest_says(vector):
    body = body_of(vector)
    assert len(body) == vector["bytes"]
    assert hashlib.sha256(body).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("vector", BODIES)
def test_the_signature_of_a_body_is_the_hmac_of_its_bytes(vector):
    headers = vector["headers"]
    assert digest(MANIFEST["secret"], body_of(vector)) == headers["X-Cal-Signature-256"]


@pytest.mark.parametrize("vector", BODIES)
def test_a_body_is_compact_utf_8_without_a_final_newline(vector):
    body = body_of(vector).decode()
    compact = json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
    assert body == compact
    assert json.loads(body)["triggerEvent"] == vector["triggerEvent"]
    assert ("payload" in json.loads(body)) == vector["envelope"]


@pytest.mark.parametrize("vector", SIGNATURES)
def test_a_digest_made_by_openssl_is_the_one_the_standard_library_makes(vector):
    body = vector["body"].encode()
    assert len(body) == vector["bytes"]
    assert digest(vector["secret"], body) == vector["digest"]


def test_every_signature_vector_differs_from_every_other():
    vectors = read("signatures.json")["vectors"]
    assert len({vector["digest"] for vector in vectors}) == len(vectors)
    assert len({vector["name"] for vector in vectors}) == len(vectors)


@pytest.mark.parametrize("trigger", ["BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"])
def test_an_example_of_the_guide_is_kept_as_it_is_printed(trigger):
    text = (VECTORS / "guide" / f"{trigger}.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=4, ensure_ascii=False) + "\n"
