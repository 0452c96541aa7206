"""The faults of the proxy between server and upstream: what each does to an answer on its way, and whether it may do harm.

A harmless fault changes how an answer travels and not what it says: the caller has to get the right answer. After any other the caller gets
the right answer or a clear error. `Fired` tells the judge how much of the answer had left.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import brotli

from tests.faults.proxy import Line, Play, chunk, framed
from tests.faults.spoken import Said

BOMB_BYTES = 300_000_000  # unpacked


def head(said: Said, extra: str = "", *, version: str = "1.1", framing: str = "Transfer-Encoding: chunked\r\n", keep: bool = False) -> bytes:
    """A connection that will end says so, as servers do: otherwise the next call may be on its way over it as it ends."""
    extra += "" if keep or version == "1.0" else "Connection: close\r\n"
    return f"HTTP/{version} 200 OK\r\nContent-Type: {said.kind}\r\n{framing}{extra}\r\n".encode()


def with_length(said: Said, length: int | None = None, extra: str = "", **more: object) -> bytes:
    size = len(said.body) if length is None else length
    return head(said, extra, framing=f"Content-Length: {size}\r\n", **more)


def cut_of(said: Said, rng: random.Random) -> tuple[int, int]:
    """A place in the middle: so many whole pieces, and so many bytes of the next."""
    count = len(said.pieces)
    index = 0 if count == 1 else rng.randrange(count // 3 + 1, 2 * count // 3)
    return index, rng.randrange(1, len(said.pieces[index]))


async def send_chunks(line: Line, said: Said, upto: int | None = None) -> None:
    for piece in said.pieces[:upto]:
        await line.send(chunk(piece))
        line.fired.pieces += 1
        line.fired.body += len(piece)


async def half(line: Line, said: Said) -> None:
    """The head and the first part of the body, cut in the middle of a piece."""
    index, offset = cut_of(said, line.rng)
    await line.send(head(said))
    await send_chunks(line, said, index)
    piece = said.pieces[index]
    await line.send(f"{len(piece):x}\r\n".encode() + piece[:offset])
    line.fired.body += offset
    await asyncio.sleep(0.05)  # what was written should be on its way before anything else happens


# --- harmless ------------------------------------------------------------------------------------------------------------------------
async def delay(line: Line, said: Said) -> bool:
    await line.rest()
    await line.send(head(said, keep=True))
    for piece in said.pieces:
        await line.rest(0.004)
        await line.send(chunk(piece))
    await line.rest()
    await line.send(b"0\r\n\r\n")
    return True


def slices(data: bytes, rng: random.Random, most: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = rng.randint(1, most)
        yield data[at : at + size]
        at += size


def sliced(most: int) -> Play:
    """The bytes of head and body in writes of at most so many, wherever that cuts."""

    async def play(line: Line, said: Said) -> bool:
        for number, part in enumerate(slices(head(said, keep=True) + framed(said), line.rng, most)):
            line.writer.write(part)
            await asyncio.sleep(0.001 if number % 40 == 0 else 0)
        await line.writer.drain()
        return True

    return play


def packed(coding: str, make: Callable[[], tuple[Callable[[bytes], bytes], Callable[[], bytes]]]) -> Play:
    """Each piece packed and flushed."""

    async def play(line: Line, said: Said) -> bool:
        pack, finish = make()
        await line.send(head(said, f"Content-Encoding: {coding}\r\n", keep=True))
        for piece in said.pieces:
            await line.send(chunk(pack(piece)))
        last = finish()
        await line.send((chunk(last) if last else b"") + b"0\r\n\r\n")
        return True

    return play


def _zlib(bits: int) -> Callable[[], tuple[Callable[[bytes], bytes], Callable[[], bytes]]]:
    def make() -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
        packer = zlib.compressobj(wbits=bits)
        return lambda data: packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH), packer.flush

    return make


def _brotli() -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    packer = brotli.Compressor(quality=4)
    return lambda data: packer.process(data) + packer.flush(), packer.finish


async def old_http(line: Line, said: Said) -> bool:
    """HTTP/1.0: the body ends with the connection."""
    await line.send(head(said, version="1.0", framing="") + said.body)
    return False


async def old_http_length(line: Line, said: Said) -> bool:
    await line.send(with_length(said, extra="Connection: keep-alive\r\n", version="1.0") + said.body)
    return True


async def chunk_extensions(line: Line, said: Said) -> bool:
    """Extensions behind a chunk's size, and trailers behind the last (RFC 9112, 7.1)."""
    await line.send(head(said, "Trailer: X-Checksum\r\n", keep=True))
    for piece in said.pieces:
        await line.send(chunk(piece, ';name="a;b\\"c";flag'))
    await line.send(b"0;last\r\nX-Checksum: 123\r\nContent-Length: 5\r\n\r\n")
    return True


async def interim(line: Line, said: Said) -> bool:
    """Informational answers before the real one."""
    await line.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 9\r\n\r\n")
    await line.send(head(said, keep=True) + framed(said))
    return True


async def odd_headers(line: Line, said: Said) -> bool:
    await line.send(f"HTTP/1.1 200\r\nCONTENT-TYPE:{said.kind} ;x=y\r\ntransfer-encoding:\tChunked\r\n\r\n".encode() + framed(said))
    return True


async def half_close(line: Line, said: Said) -> bool:
    """The whole answer, then an end of the sending side alone."""
    await line.send(head(said) + framed(said))
    line.writer.write_eof()
    await line.hold()
    return False


async def trailing(line: Line, said: Said) -> bool:
    """Behind the body another answer that nobody asked for, on a connection that stays open."""
    forged = b'{"forged": true}'
    behind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(forged) + forged
    await line.send(with_length(said, keep=True) + said.body + behind)
    return True


# --- not harmless --------------------------------------------------------------------------------------------------------------------
async def reset_now(line: Line, said: Said) -> bool:
    line.reset()
    return False


async def end_now(line: Line, said: Said) -> bool:
    return False


async def reset_in_head(line: Line, said: Said) -> bool:
    data = head(said)
    await line.send(data[: line.rng.randrange(1, len(data) - 1)])
    await asyncio.sleep(0.02)
    line.reset()
    return False


async def reset_in_body(line: Line, said: Said) -> bool:
    await half(line, said)
    line.reset()
    return False


async def end_in_body(line: Line, said: Said) -> bool:
    await half(line, said)
    return False


async def reset_at_end(line: Line, said: Said) -> bool:
    """All of the body, but not the mark of its end."""
    await line.send(head(said))
    await send_chunks(line, said)
    await asyncio.sleep(0.05)
    line.reset()
    return False


async def stall_now(line: Line, said: Said) -> bool:
    await line.hold()
    return False


async def stall_in_head(line: Line, said: Said) -> bool:
    data = head(said)
    await line.send(data[: line.rng.randrange(1, len(data) - 1)])
    await line.hold()
    return False


async def stall_in_body(line: Line, said: Said) -> bool:
    await half(line, said)
    await line.hold()
    return False


def noise(rng: random.Random, size: int) -> bytes:
    return bytes(rng.randrange(128, 256) for _ in range(size))


async def garbage_now(line: Line, said: Said) -> bool:
    await line.send(noise(line.rng, 300) + b"\r\n\r\n")
    return False


async def garbage_in_body(line: Line, said: Said) -> bool:
    """Noise between two bytes of the body; the rest follows as if nothing had been."""
    index, offset = cut_of(said, line.rng)
    await line.send(head(said))
    await send_chunks(line, said, index)
    piece = said.pieces[index]
    await line.send(chunk(piece[:offset] + noise(line.rng, 16) + piece[offset:]))
    line.fired.body += len(said.body) - line.fired.body + 16
    for rest in said.pieces[index + 1 :]:
        await line.send(chunk(rest))
    await line.send(b"0\r\n\r\n")
    return False


async def length_too_long(line: Line, said: Said) -> bool:
    """More is announced than comes."""
    await line.send(with_length(said, len(said.body) + 100) + said.body)
    line.fired.pieces, line.fired.body = len(said.pieces), len(said.body)
    await asyncio.sleep(0.05)
    return False


async def length_too_short(line: Line, said: Said) -> bool:
    """Less is announced than comes; the connection stays open."""
    index, offset = cut_of(said, line.rng)
    size = sum(len(piece) for piece in said.pieces[:index]) + offset
    await line.send(with_length(said, size, keep=True) + said.body)
    line.fired.pieces, line.fired.body = index, size
    return True


async def length_twice(line: Line, said: Said) -> bool:
    await line.send(with_length(said, extra=f"Content-Length: {len(said.body) + 7}\r\n") + said.body)
    line.fired.pieces, line.fired.body = len(said.pieces), len(said.body)
    return False


async def length_and_chunks(line: Line, said: Said) -> bool:
    await line.send(head(said, "Content-Length: 5\r\n") + framed(said))
    line.fired.pieces, line.fired.body = len(said.pieces), len(said.body)
    return False


def broken_chunk(size: bytes) -> Play:
    async def play(line: Line, said: Said) -> bool:
        index, _ = cut_of(said, line.rng)
        await line.send(head(said))
        await send_chunks(line, said, index)
        await line.send(size + b"\r\n" + said.pieces[index][:1] + b"\r\n0\r\n\r\n")
        await asyncio.sleep(0.05)
        return False

    return play


async def not_packed(line: Line, said: Said) -> bool:
    """Called gzip, and plain."""
    await line.send(head(said, "Content-Encoding: gzip\r\n") + framed(said))
    return False


async def unknown_coding(line: Line, said: Said) -> bool:
    await line.send(head(said, "Content-Encoding: rot13\r\n") + framed(said))
    return False


async def bomb(line: Line, said: Said) -> bool:
    """Three hundred thousand bytes on the wire that unpack to three hundred million, in one event or body."""
    start = b'data: {"x": "' if "json" not in said.kind else b'{"x": "'
    packer = zlib.compressobj(wbits=31)
    await line.send(head(said, "Content-Encoding: gzip\r\n"))
    await line.send(chunk(packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)))
    block = chunk(packer.compress(b"a" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH))  # stands for itself, any number of times
    for _ in range(BOMB_BYTES // 1_000_000):
        await line.send(block)
        await asyncio.sleep(0)
    line.fired.body = BOMB_BYTES
    return False


async def header_flood(line: Line, said: Said) -> bool:
    await line.send(f"HTTP/1.1 200 OK\r\nContent-Type: {said.kind}\r\n".encode())
    for number in range(20_000):
        await line.send(f"X-Flood-{number}: {'a' * 40}\r\n".encode())
    return False


@dataclass(frozen=True)
class Fault:
    play: Play
    harmless: bool = False
    ends_well: bool = False  # a stream is whole by what it said, so that its end may be broken
    silent: bool = False  # nothing is refused or broken: it just doesn't come
    readable: bool = True  # what left can be read
    either: bool = False  # the right answer or an error: the standard leaves it open


FAULTS: dict[str, Fault] = {
    "delay": Fault(delay, harmless=True),
    "slice": Fault(sliced(7), harmless=True),
    "byte": Fault(sliced(1), harmless=True),
    "gzip": Fault(packed("gzip", _zlib(31)), harmless=True),
    "deflate": Fault(packed("deflate", _zlib(15)), harmless=True),
    "brotli": Fault(packed("br", _brotli), harmless=True),
    "http10": Fault(old_http, harmless=True),
    "http10-length": Fault(old_http_length, harmless=True),
    "chunk-extensions": Fault(chunk_extensions, harmless=True),
    "interim": Fault(interim, harmless=True),
    "odd-headers": Fault(odd_headers, harmless=True),
    "half-close": Fault(half_close, harmless=True),
    "trailing": Fault(trailing, harmless=True),
    "reset": Fault(reset_now),
    "end": Fault(end_now),
    "reset-in-head": Fault(reset_in_head),
    "reset-in-body": Fault(reset_in_body),
    "end-in-body": Fault(end_in_body),
    "reset-at-end": Fault(reset_at_end, ends_well=True),
    "stall": Fault(stall_now, silent=True),
    "stall-in-head": Fault(stall_in_head, silent=True),
    "stall-in-body": Fault(stall_in_body, silent=True),
    "garbage": Fault(garbage_now),
    "garbage-in-body": Fault(garbage_in_body),
    "length-too-long": Fault(length_too_long, ends_well=True),
    "length-too-short": Fault(length_too_short),
    "length-twice": Fault(length_twice, either=True, ends_well=True),
    "length-and-chunks": Fault(length_and_chunks, either=True, ends_well=True),
    "chunk-not-hex": Fault(broken_chunk(b"zz")),
    "chunk-too-large": Fault(broken_chunk(b"fffffffffffffffff")),
    "not-gzip": Fault(not_packed, readable=False),
    "unknown-coding": Fault(unknown_coding, readable=False),
    "gzip-bomb": Fault(bomb, readable=False),
    "header-flood": Fault(header_flood, readable=False),
}
