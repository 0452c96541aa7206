"""The audit chain, checked by a program that shares nothing with the one that wrote it.

    body_digest = SHA-256(salt + body)
    digest      = SHA-256(previous digest + header + body_digest)

The header is the fields below in order, each a u32 little-endian length and its bytes; integers are eight bytes, `sources` is one field
whose bytes are each source again as length and bytes. A tenant's first previous digest is 32 zeros.
"""

from __future__ import annotations

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable

HEADER = ("tenant", "seq", "id", "stream", "version", "kind", "schema", "time_us", "actor", "on_behalf_of", "cause", "sources", "acl", "label")


def field_bytes(value: object) -> bytes:
    if isinstance(value, int):
        data = struct.pack("<q", value)
    elif isinstance(value, list):
        data = b"".join(field_bytes(item) for item in value)
    else:
        data = str(value or "").encode()
    return struct.pack("<I", len(data)) + data


def digest_of(previous: bytes, record: dict) -> bytes:
    header = b"".join(field_bytes(record[name]) for name in HEADER)
    return hashlib.sha256(previous + header + bytes.fromhex(record["body_digest"])).digest()


def faults(records: Iterable[dict], limit: int = 10) -> list[str]:
    """What is wrong with the chains of these records, each tenant's in order; empty if nothing is."""
    found: list[str] = []
    previous: dict[str, bytes] = defaultdict(lambda: bytes(32))
    seqs: dict[str, int] = defaultdict(int)
    for record in records:
        tenant, seq = record["tenant"], record["seq"]
        if seq != seqs[tenant] + 1:
            found.append(f"{tenant}: {seq} follows {seqs[tenant]}")
        if not record.get("erased"):
            body = record["body_text"].encode()
            if hashlib.sha256(bytes.fromhex(record["salt"]) + body).hexdigest() != record["body_digest"]:
                found.append(f"{tenant} {seq}: the body is not what its digest says")
        if digest_of(previous[tenant], record).hex() != record["digest"]:
            found.append(f"{tenant} {seq}: the chain is broken")
        previous[tenant], seqs[tenant] = bytes.fromhex(record["digest"]), seq
        if len(found) >= limit:
            break
    return found
