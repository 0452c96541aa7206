"""The hostile requests: each a name and the bytes that a raw socket sends. What is expected of all of them is the judge's business.

`parts` are sent in order: bytes, a pause in seconds, HALF_CLOSE (the client ends its side and goes on listening), or a generator of bytes.
`one_answer` marks requests that hide a second one: more than one answer to them is a smuggled request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HALF_CLOSE = object()
MEGABYTE = 1 << 20
CHAT, EMBED = "/v1/chat/completions", "/v1/embeddings"


@dataclass(frozen=True)
class Case:
    name: str
    parts: tuple
    one_answer: bool = False


@dataclass(frozen=True)
class Target:
    """What a well-formed request would need."""

    key: str
    admin_key: str
    chat_model: str
    embed_model: str


def post(path: str, body: bytes, key: str, *headers: str, kind: str = "application/json") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + body


def get(path: str, key: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", *headers]).encode() + b"\r\n\r\n"


def all_cases(target: Target) -> list[Case]:
    made: list[Case] = []
    for group in (bad_json, bad_text, bad_fields, bad_embeddings, bad_admin, bad_keys, bad_heads, smuggling, bad_chunks, too_large, too_slow):
        made += group(target)
    names = [case.name for case in made]
    assert len(names) == len(set(names)), "two cases share a name"
    return made


def chat_with(target: Target) -> Callable[[bytes, str], Case]:
    return lambda body, name: Case(name, (post(CHAT, body, target.key),))


def bad_json(t: Target) -> list[Case]:
    chat = chat_with(t)
    whole = json.dumps({"model": t.chat_model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    model = json.dumps(t.chat_model).encode()
    bodies = {
        "empty body": b"",
        "white space only": b" \r\n\t ",
        "not JSON": b"hello",
        "cut off": whole[:-3],
        "text after the end": whole + b" x",
        "two objects": whole + whole,
        "trailing comma": whole[:-1] + b",}",
        "single quotes": whole.replace(b'"', b"'"),
        "comment": b"/* hi */" + whole,
        "NaN": whole[:-1] + b', "temperature": NaN}',
        "infinity by exponent": whole[:-1] + b', "temperature": 1e999}',
        "an integer of 400 digits": whole[:-1] + b', "max_tokens": ' + b"9" * 400 + b"}",
        "leading zero": whole[:-1] + b', "max_tokens": 012}',
        "100,000 open arrays": b"[" * 100_000,
        "100,000 open objects": b'{"a":' * 100_000,
        "5,000 levels, closed": whole[:-1] + b', "metadata": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        "duplicate key": whole[:-1] + b', "model": "other"}',
        "duplicate key by an escape": whole[:-1] + b', "mod\\u0065l": "other"}',
        "duplicate key deep inside": b'{"model": ' + model + b', "messages": [{"role": "user", "role": "system", "content": "hi"}]}',
        "an array at the top": b"[" + whole + b"]",
        "a string at the top": b'"hi"',
        "a number at the top": b"42",
        "null at the top": b"null",
    }
    return [chat(body, f"JSON: {name}") for name, body in bodies.items()]


def bad_text(t: Target) -> list[Case]:
    chat = chat_with(t)
    before = b'{"model": ' + json.dumps(t.chat_model).encode() + b', "messages": [{"role": "user", "content": "'
    texts = {
        "lone continuation byte": b"\x80",
        "overlong slash": b"\xc0\xaf",
        "encoded surrogate": b"\xed\xa0\x80",
        "past the last code point": b"\xf4\x90\x80\x80",
        "character cut at the end": b"\xe2\x82",
        "Latin-1": b"caf\xe9",
        "lone high surrogate escape": b"\\ud800",
        "lone low surrogate escape": b"\\udc00",
        "half an escape": b"\\u12",
        "unknown escape": b"\\x41",
        "raw line feed": b"a\nb",
        "raw NUL": b"a\x00b",
    }
    cases = [chat(before + text + b'"}]}', f"text: {name}") for name, text in texts.items()]
    return [*cases, chat((before + b'hi"}]}').decode().encode("utf-16"), "text: UTF-16")]


def bad_fields(t: Target) -> list[Case]:
    good = {"model": t.chat_model, "messages": [{"role": "user", "content": "hi"}]}
    changes = {
        "no model": {"model": None},
        "model is a number": {"model": 7},
        "model of 10,000 characters": {"model": "m" * 10_000},
        "model with a line feed": {"model": t.chat_model + "\nlevel=error"},
        "no messages": {"messages": None},
        "messages is a text": {"messages": "hi"},
        "no message in messages": {"messages": []},
        "a message is a number": {"messages": [1]},
        "a message without role": {"messages": [{"content": "hi"}]},
        "unknown role": {"messages": [{"role": "emperor", "content": "hi"}]},
        "content is a number": {"messages": [{"role": "user", "content": 5}]},
        "content part whose type is no text": {"messages": [{"role": "user", "content": [{"type": ["smell"], "smell": "x"}]}]},
        "max_tokens negative": {"max_tokens": -1},
        "max_tokens a text": {"max_tokens": "10"},
        "max_tokens a fraction": {"max_tokens": 1.5},
        "max_tokens past 64 bits": {"max_tokens": 1 << 70},
        "n zero": {"n": 0},
        "n negative": {"n": -1},
        "n a thousand million": {"n": 10**9},
        "temperature a text": {"temperature": "hot"},
        "temperature past the scale": {"temperature": 1e9},
        "stop an object": {"stop": {"a": 1}},
        "stream a text": {"stream": "yes"},
        "tools a text": {"tools": "hammer"},
        "a tool without a name": {"tools": [{"type": "function", "function": {}}]},
        "unknown response_format": {"response_format": {"type": "poem"}},
    }
    return [chat_with(t)(json.dumps(_changed(good, change)).encode(), f"field: {name}") for name, change in changes.items()]


def _changed(body: dict, change: dict) -> dict:
    return {name: value for name, value in (body | change).items() if value is not None}


def bad_embeddings(t: Target) -> list[Case]:
    bodies = {
        "NUL in the text": {"input": "a\x00b"},
        "NUL alone": {"input": "\x00"},
        "NUL in one of several": {"input": ["good", "a\x00b"]},
        "empty text": {"input": ""},
        "no texts": {"input": []},
        "no input": {},
        "10,000 texts": {"input": ["x"] * 10_000},
        "texts and numbers": {"input": ["a", 1]},
        "an object": {"input": {"a": "b"}},
        "unknown encoding": {"input": "a", "encoding_format": "hex"},
        "dimensions it does not have": {"input": "a", "dimensions": 5},
        "unknown input_type": {"input": "a", "input_type": "poem"},
    }
    return [Case(f"embeddings: {name}", (post(EMBED, json.dumps({"model": t.embed_model} | body).encode(), t.key),)) for name, body in bodies.items()]


def bad_admin(t: Target) -> list[Case]:
    def send(name: str, path: str, body: object) -> Case:
        return Case(f"admin: {name}", (post(f"/admin/v1/{path}", json.dumps(body).encode(), t.admin_key),))

    budget = {"name": "b", "scope": "key_00000000000000000000000000", "limit_usd": "1", "period": "day"}
    return [
        send("budget of NaN", "budgets", budget | {"limit_usd": "NaN"}),
        send("negative budget", "budgets", budget | {"limit_usd": "-1"}),
        send("budget past all money", "budgets", budget | {"limit_usd": "1" + "0" * 400}),
        send("budget for nobody", "budgets", budget),
        send("budget for a fortnight", "budgets", budget | {"period": "fortnight"}),
        send("time zone that is a path", "principals", {"kind": "user", "name": "x", "time_zone": "../../etc/passwd"}),
        send("key name of a megabyte", "keys", {"name": "x" * MEGABYTE}),
        send("negative price", "prices", {"provider": "local", "model": t.chat_model, "input_pico": -1, "output_pico": 1}),
        Case("admin: SQL in a query", (get("/admin/v1/usage?group_by=key%27;DROP%20TABLE%20records", t.admin_key),)),
        Case("admin: with a key that is none", (get("/admin/v1/keys", t.key),)),
    ]


def bad_keys(t: Target) -> list[Case]:
    def listing(name: str, *headers: str, raw: bytes = b"") -> Case:
        return Case(f"key: {name}", ("\r\n".join(["GET /v1/models HTTP/1.1", "Host: localhost", *headers, ""]).encode() + raw + b"\r\n",))

    return [
        listing("none"),
        listing("a stranger's", "Authorization: Bearer sk-steward-" + "A" * 43),
        listing("Basic", "Authorization: Basic dXNlcjpwYXNz"),
        listing("empty", "Authorization: Bearer "),
        listing("of 50,000 characters", "Authorization: Bearer " + "k" * 50_000),
        listing("with bad UTF-8", raw=b"Authorization: Bearer \xff\xfe\r\n"),
        listing("two that differ", f"Authorization: Bearer {t.key}", "Authorization: Bearer other"),
    ]


def bad_heads(t: Target) -> list[Case]:
    start = f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {t.key}\r\n".encode()
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(189))
    raw = {
        "binary": b"\x00\x01\x02\x03\xff\r\n\r\n",
        "a TLS hello": hello,
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/0.9": b"GET /v1/models\r\n\r\n",
        "HTTP/9.9": b"GET /v1/models HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "no version's digits": b"GET /v1/models HTTP/x\r\nHost: localhost\r\n\r\n",
        "line without colon": start + b"nonsense\r\n\r\n",
        "name with a space": start + b"X Y: 1\r\n\r\n",
        "empty name": start + b": 1\r\n\r\n",
        "NUL in a value": start + b"X-A: a\x00b\r\n\r\n",
        "lone CR in a value": start + b"X-A: a\rX-B: b\r\n\r\n",
        "NUL in the target": b"GET /v1/mo\x00dels HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "space in the target": b"GET /v1/mo dels HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "traversal": get("/v1/../../../etc/passwd", t.key),
        "encoded traversal": get("/v1/%2e%2e/%2e%2e/etc/passwd", t.key),
        "encoded NUL": get("/v1/models/%00", t.key),
        "broken percent": get("/v1/models/%zz", t.key),
        "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "unknown method": start.replace(b"GET", b"BREW", 1) + b"\r\n",
        "method of 5,000 letters": start.replace(b"GET", b"G" * 5_000, 1) + b"\r\n",
        "wrong method": start.replace(b"GET", b"DELETE", 1) + b"\r\n",
        "address of 20,000 characters": get("/v1/models/" + "a" * 20_000, t.key),
        "a header of 200,000 bytes": start + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n",
        "2,000 headers": start + b"".join(b"X-%d: 1\r\n" % i for i in range(2_000)) + b"\r\n",
        "gzip body": post(CHAT, b"\x1f\x8b\x08\x00" + b"\x00" * 20, t.key, "Content-Encoding: gzip"),
        "XML": post(CHAT, b"<a/>", t.key, kind="application/xml"),
    }
    cases = [Case(f"head: {name}", (data,)) for name, data in raw.items()]
    return [*cases, Case("head: headers without end", (start, _endless_headers))]


def _endless_headers() -> Iterator[bytes]:
    for i in range(40_000):
        yield b"X-%d: %s\r\n" % (i, b"a" * 100)


def smuggling(t: Target) -> list[Case]:
    hidden = get("/v1/models", t.key)
    first = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {t.key}\r\nContent-Type: application/json\r\n".encode()
    lengths = {
        "length and chunked": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
        "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        "lengths in a list": b"Content-Length: 0, 5\r\n\r\n",
        "a negative length": b"Content-Length: -1\r\n\r\n",
        "a hexadecimal length": b"Content-Length: 0x5\r\n\r\n",
        "a signed length": b"Content-Length: +5\r\n\r\n",
        "a length past 64 bits": b"Content-Length: 99999999999999999999\r\n\r\n",
        "space before the colon": b"Content-Length : 5\r\n\r\n",
        "folded header": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n",
        "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n",
        "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n",
        "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "vertical tab in the coding": b"Transfer-Encoding: \x0bchunked\r\n\r\n",
    }
    cases = [Case(f"smuggling: {name}", (first + rest + hidden,), one_answer=True) for name, rest in lengths.items()]
    no_host = get("/v1/models", t.key).replace(b"Host: localhost\r\n", b"", 1)
    two_hosts = get("/v1/models", t.key, "Host: other.example")
    return [*cases, Case("smuggling: no Host", (no_host,)), Case("smuggling: two Hosts", (two_hosts,))]


def bad_chunks(t: Target) -> list[Case]:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {t.key}\r\nContent-Type: application/json\r\n"
    chunked = head.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    bodies = {
        "size that is no number": b"zz\r\nhi\r\n0\r\n\r\n",
        "size past 64 bits": b"f" * 20 + b"\r\nhi\r\n0\r\n\r\n",
        "negative size": b"-1\r\nhi\r\n0\r\n\r\n",
        "no line end after a chunk": b"2\r\nhiXX0\r\n\r\n",
        "an extension of a megabyte": b"2;a=" + b"b" * MEGABYTE + b"\r\nhi\r\n0\r\n\r\n",
        "an end without a beginning": b"0\r\n\r\n",
    }
    cases = [Case(f"chunks: {name}", (chunked + body,)) for name, body in bodies.items()]
    return [*cases, Case("chunks: trailers without end", (chunked, b"2\r\n{}\r\n0\r\n", _endless_headers))]


def too_large(t: Target) -> list[Case]:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {t.key}\r\nContent-Type: application/json\r\n"
    told = head.encode() + b"Content-Length: 104857600\r\n"

    def megabytes() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * MEGABYTE

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b"100000\r\n" + b" " * MEGABYTE + b"\r\n"
        yield b"0\r\n\r\n"

    return [
        Case("large: 100 MB, told", (told + b"\r\n", megabytes)),
        Case("large: 100 MB, told, then silence", (told + b"\r\n",)),
        Case("large: 100 MB, asked for leave", (told + b"Expect: 100-continue\r\n\r\n",)),
        Case("large: 100 MB in chunks", (head.encode() + b"Transfer-Encoding: chunked\r\n\r\n", chunks)),
    ]


def too_slow(t: Target) -> list[Case]:
    whole = post(CHAT, b'{"model": "x", "messages": []}', t.key)
    split = whole.index(b"\r\n\r\n") + 4

    def drip(data: bytes) -> tuple:
        return tuple(part for i in range(len(data)) for part in (data[i : i + 1], 0.1))

    return [
        Case("slow: head byte by byte", drip(whole[: split - 2])),
        Case("slow: head stops", (whole[:40],)),
        Case("slow: body byte by byte", (whole[:split], *drip(whole[split:-1]))),
        Case("slow: body stops", (whole[: split + 5],)),
        Case("half-closed: in the request line", (whole[:10], HALF_CLOSE)),
        Case("half-closed: in the head", (whole[: split - 8], HALF_CLOSE)),
        Case("half-closed: in the body", (whole[: split + 5], HALF_CLOSE)),
        Case("half-closed: before the body", (whole[:split], HALF_CLOSE)),
        Case("half-closed: after a bad request", (post(CHAT, b"{", t.key), HALF_CLOSE)),
    ]
