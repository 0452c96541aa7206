#!/usr/bin/env python3
"""Writes digest.json: test vectors of the journal's digest chain, computed from its specification alone.

    header = tenant, seq, id, stream, version, kind, schema, time, actor, on_behalf_of, cause, sources, acl, label
    each field: u32 little-endian length, then its bytes; integers are 8 bytes little-endian;
    sources is one field whose bytes are each source again as length and bytes
    body_digest = SHA-256(salt || body)
    digest = SHA-256(previous digest || header || body_digest); the first previous digest is 32 zeros

Run it to make the file anew: python3 tests/vectors/digest.py
"""
import hashlib
import json
import pathlib
import struct

FIELDS = ["tenant", "seq", "id", "stream", "version", "kind", "schema", "time", "actor", "on_behalf_of", "cause", "sources", "acl", "label"]


def field(value):
    if isinstance(value, int):
        data = struct.pack("<q", value)
    elif isinstance(value, list):
        data = b"".join(field(item) for item in value)
    else:
        data = value.encode()
    return struct.pack("<I", len(data)) + data


def main():
    tenant = "ten_01JDKX0Z8N5Y3W6Q4R2T1V0B9C"
    records = [
        dict(id="rec_01JDKX0Z8N0000000000000001", stream="budget/bud_01JDKX0Z8N0000000000000001", version=1, kind="budget.set", schema=1,
             time=1764044460123456, actor="usr_01JDKX0Z8N0000000000000001", on_behalf_of="", cause="", sources=[], acl="", label="owner",
             body='{"limit_nanousd":5000000000}'),
        dict(id="rec_01JDKX0Z8N0000000000000002", stream="call/call_01JDKX0Z8N000000000000001", version=1, kind="call.reserved", schema=3,
             time=1764044460223456, actor="key_01JDKX0Z8N0000000000000001", on_behalf_of="usr_01JDKX0Z8N0000000000000001",
             cause="rec_01JDKX0Z8N0000000000000001", sources=["rec_01JDKX0Z8N0000000000000001", "msg_01JDKX0Z8N0000000000000001"],
             acl="acl_01JDKX0Z8N0000000000000001", label="outside", body='{"text":"grüße 你好 🎉"}'),
        dict(id="rec_01JDKX0Z8N0000000000000003", stream="call/call_01JDKX0Z8N000000000000001", version=2, kind="call.settled", schema=1,
             time=0, actor="", on_behalf_of="", cause="", sources=["msg_01JDKX0Z8N0000000000000002"], acl="", label="system", body="{}"),
    ]
    previous = bytes(32)
    out = []
    for number, record in enumerate(records, 1):
        record = {"tenant": tenant, "seq": number, **record}
        salt = hashlib.sha256(f"salt {number}".encode()).digest()
        header = b"".join(field(record[name]) for name in FIELDS)
        body_digest = hashlib.sha256(salt + record["body"].encode()).digest()
        digest = hashlib.sha256(previous + header + body_digest).digest()
        out.append({**record, "salt": salt.hex(), "header": header.hex(), "body_digest": body_digest.hex(), "digest": digest.hex()})
        previous = digest
    path = pathlib.Path(__file__).with_name("digest.json")
    path.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
