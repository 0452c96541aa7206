"""What a cell's caller has to get, and what may be charged: worked out from what the scripted provider made, by the rules in the documentation."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.spoken import OUTPUT, PROMPT, TEXT, Came

ALLOWED = 40  # output tokens, as every cell asks
LONG_BYTES = 10_000_000  # a whole answer beyond it may take longer than its first byte may: then it is in doubt


@dataclass(frozen=True)
class Charge:
    """Tokens that are charged; None: any that the bounds allow (an estimated prompt, a garbage count)."""

    prompt: int | None
    output: int | None
    estimated: bool = False
    disputed: bool = False  # the record says so
    reserved: bool = False  # in doubt: all that was reserved
    or_reserved: bool = False  # or that, where it took too long
    outcome: str = ""  # how the call ended, where that matters


@dataclass(frozen=True)
class Expect:
    text: str = ""  # what the caller reads, whole or up to where it broke off
    error: bool = False  # a clear error, in the head or at the stream's end
    either: bool = False  # the right answer or an error
    or_cut: bool = False  # or a stream cut where the server saw that the client had closed
    or_right: bool = False  # what broke may have been nothing that matters: then the answer is right and told
    charge: Charge = Charge(0, 0)
    silent: bool = False  # the caller left: there is nobody to tell
    status: int = 0  # of a refusal; 0: any error


RIGHT = Expect(text=TEXT, charge=Charge(PROMPT, OUTPUT))
NOTHING = Expect(error=True)  # a clear error, and nothing charged
CLEAR_ERROR = NOTHING


def input_only() -> Expect:
    return Expect(error=True, charge=Charge(None, 0, estimated=True))


def garbage(size: int) -> Expect:
    """A whole answer that can't be read: it may have been made, and counts by its bytes, up to what was allowed."""
    charge = Charge(None, min(-(-size // 4), ALLOWED), estimated=True, or_reserved=size > LONG_BYTES)
    return Expect(error=True, charge=charge)


def in_doubt() -> Expect:
    return Expect(error=True, charge=Charge(None, None, reserved=True))


def broken_stream(got: Came) -> Expect:
    """What came is charged: as the provider told it, or counted where that is more."""
    told_all = got.output >= got.chunks and got.output > 0
    charge = Charge(got.prompt, max(got.output, got.chunks), estimated=not told_all)
    return Expect(text=got.text, error=True, charge=charge)
