"""The cells of the check `chaos`: every dialect through every fault, and what each has to come to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.faults.client import DIALECTS, Told
from tests.faults.client_side import CLIENT_FAULTS, EITHER, LEFT
from tests.faults.client_side import RIGHT as TAKEN
from tests.faults.expect import (
    ALLOWED,
    NOTHING,
    RIGHT,
    Charge,
    Expect,
    broken_stream,
    garbage,
    in_doubt,
    input_only,
)
from tests.faults.lies import LIES, middle
from tests.faults.network import FAULTS
from tests.faults.proxy import Fired
from tests.faults.spoken import EGRESSES, OUTPUT, PROMPT, TEXT, came, events_of
from tests.harness.money import Price, nano_of_microusd

PRICE = Price(input_pico=2_000_000, output_pico=10_000_000)
MANY = 4_000_000  # output tokens that a large answer is allowed
MOST_PROMPT = 4_000  # tokens; no cell asks with so many bytes


@dataclass(frozen=True)
class Cell:
    side: str  # "network": between server and upstream; "lie": the upstream itself; "client"
    fault: str
    ingress: str
    egress: str
    streamed: bool
    number: int

    @property
    def name(self) -> str:
        return f"cell-{self.fault}-{self.number:04}"

    @property
    def provider(self) -> str:
        return f"{'net' if self.side == 'network' else 'own'}-{self.egress}"

    @property
    def heavy(self) -> bool:
        return (self.side == "lie" and LIES[self.fault].heavy) or self.fault == "gzip-bomb"

    @property
    def tokens(self) -> int:
        return MANY if self.side == "client" and CLIENT_FAULTS[self.fault].script == "large" else ALLOWED

    @property
    def errors_in(self) -> str:
        """Where no address came through, nobody can tell the dialect."""
        return "chat" if self.fault == "garbage-request" else self.ingress

    def __str__(self) -> str:
        return f"{self.side} {self.fault}: {self.ingress} to {self.egress}, {'streamed' if self.streamed else 'whole'}"


def all_cells(half: bool = False) -> list[Cell]:
    """Every fault in every egress dialect, streamed and whole, the ingress dialect going round; every client's fault in every ingress dialect.

    Half of them: streamed in one dialect, whole in the next.
    """
    cells: list[Cell] = []

    def left_out(turn: int, at: int, streamed: bool) -> bool:
        return half and (turn + at + streamed) % 2 == 0

    def add(side: str, fault: str, ingress: str, egress: str, streamed: bool) -> None:
        cells.append(Cell(side, fault, ingress, egress, streamed, len(cells)))

    for turn, fault in enumerate(FAULTS):
        for at, egress in enumerate(EGRESSES):
            for streamed in (one for one in (True, False) if not left_out(turn, at, one)):
                add("network", fault, DIALECTS[(turn + at + (not streamed)) % 4], egress, streamed)
    for turn, (fault, lie) in enumerate(LIES.items()):
        for at, egress in enumerate(lie.egresses):
            for streamed, expect in ((True, lie.stream), (False, lie.whole)):
                if expect is not None and (len(lie.egresses) == 1 or not left_out(turn, at, streamed)):
                    add("lie", fault, DIALECTS[(turn + at + (not streamed)) % 4], egress, streamed)
    for fault, one in CLIENT_FAULTS.items():
        for dialect in DIALECTS:
            for streamed in (True, False):
                if one.streams if streamed else one.wholes:
                    add("client", fault, dialect, dialect, streamed)
    return cells


# --- what has to come of a cell -----------------------------------------------------------------------------------------------------------
def expected(cell: Cell, fired: Fired) -> Expect:
    if cell.side == "lie":
        lie = LIES[cell.fault]
        return (lie.stream if cell.streamed else lie.whole)(cell.egress)
    return of_client(cell) if cell.side == "client" else of_network(cell, fired)


def of_network(cell: Cell, fired: Fired) -> Expect:
    fault = FAULTS[cell.fault]
    if fault.either:
        return Expect(text=TEXT, either=True, charge=Charge(None, None))
    if fault.harmless or (fault.ends_well and cell.streamed):
        return RIGHT
    if not fault.readable:
        if cell.streamed or cell.fault == "header-flood":
            return NOTHING
        return garbage(fired.body) if cell.fault == "gzip-bomb" else input_only()
    in_body = fired.pieces > 0 or fired.body > 0 or cell.fault.startswith("chunk-")
    if not cell.streamed:
        return in_doubt() if fault.silent else garbage(fired.body) if in_body else NOTHING
    if not in_body:
        return input_only() if fault.silent else NOTHING
    broken = broken_stream(came(cell.egress, events_of(cell.egress)[: fired.pieces]))
    return replace(broken, or_right=cell.fault == "garbage-in-body")


def of_client(cell: Cell) -> Expect:
    fault = CLIENT_FAULTS[cell.fault]
    if fault.what == TAKEN:
        return RIGHT
    if fault.what == EITHER:
        return Expect(text=TEXT, either=True, or_cut=cell.fault == "half-closed-request", charge=Charge(PROMPT, OUTPUT))
    if fault.what != LEFT:
        return Expect(error=True, status=400)
    if fault.script == "large":
        return Expect(silent=True, charge=Charge(None, None))
    if fault.script == "good":
        return Expect(silent=True)
    if not cell.streamed:
        return Expect(silent=True, charge=Charge(None, None, reserved=True))
    got = came(cell.egress, events_of(cell.egress)[: middle(cell.egress)])
    return Expect(silent=True, charge=replace(broken_stream(got).charge, outcome="client_gone"))


def is_right(told: Told) -> bool:
    return told.status == 200 and told.whole and told.text == TEXT and not told.error


# --- the judge of one cell ------------------------------------------------------------------------------------------------------------------
def wrong_answer(expect: Expect, told: Told) -> str:
    """Why the caller was told the wrong thing; empty: rightly."""
    if expect.silent:
        return ""
    if expect.or_right and is_right(told):
        return ""
    right = told.status == 200 and told.whole and told.text == expect.text and not told.error
    if expect.either and right:
        return ""
    if expect.or_cut and told.cut and expect.text.startswith(told.text):
        return ""
    if not expect.error and not expect.either:
        return "" if right else f"the right answer was due, it got {told}"
    if told.whole or not told.error or (told.cut and not told.error):
        return f"a clear error was due, it got {told}"
    if expect.text and not expect.either and told.text != expect.text:
        return f"{expect.text!r} was to come before the error, it got {told}"
    if expect.status and not 400 <= told.status < 500:
        return f"a refusal was due, it got {told}"
    return ""


def wrong_charge(cell: Cell, expect: Expect, told: Told, rows: list[dict]) -> str:
    """Why the charge is wrong; empty: it is right. `rows`: the records of the cell's calls."""
    if len(rows) > 1:
        return f"one call left {len(rows)} records"
    if any(row["outcome"] == "under_way" for row in rows):
        return "its reservation is still open"
    cost = sum(nano_of_microusd(row["cost_microusd"]) for row in rows)
    usage = rows[0]["usage"] if rows else {"prompt_tokens": 0, "completion_tokens": 0, "estimated": False}
    disputed = bool(rows) and rows[0]["error"] == "usage_disputed"
    prompt, output = usage["prompt_tokens"], usage["completion_tokens"]
    seen = f"{prompt}+{output} tokens for {cost}, {'estimated' if usage['estimated'] else 'told'}{', disputed' if disputed else ''}"
    charge = RIGHT.charge if expect.or_right and is_right(told) else expect.charge
    if charge.reserved or (charge.or_reserved and rows and rows[0]["outcome"] == "in_doubt"):
        good = bool(rows) and cost == nano_of_microusd(rows[0]["reserved_microusd"]) > 0 and rows[0]["outcome"] == "in_doubt"
        return "" if good else f"the reservation was due, charged were {seen}"
    if expect.either:
        if rows and rows[0]["outcome"] == "in_doubt":  # its client was taken for gone
            return "" if cell.side == "client" and cost == nano_of_microusd(rows[0]["reserved_microusd"]) else f"in doubt: {seen}"
        right = (prompt, output, cost) == (PROMPT, OUTPUT, PRICE.cost_nano(PROMPT, OUTPUT))
        bounded = not told.whole and output <= ALLOWED and prompt <= MOST_PROMPT and cost == PRICE.cost_nano(prompt, output)
        return "" if right or bounded else f"either the answer or an error was due, charged were {seen}"
    if charge.prompt == 0 and charge.output == 0:
        return "" if cost == 0 else f"nothing was due, charged were {seen}"
    good = prompt == charge.prompt if charge.prompt is not None else 0 < prompt <= MOST_PROMPT
    good = good and (output == charge.output if charge.output is not None else 0 <= output <= cell.tokens)
    good = good and cost == PRICE.cost_nano(prompt, output)
    if charge.outcome and (not rows or rows[0]["outcome"] != charge.outcome):
        return f"it ended as {rows[0]['outcome'] if rows else 'nothing'}, not as {charge.outcome}"
    if charge.output is not None:
        good = good and usage["estimated"] == charge.estimated and disputed == charge.disputed
    return "" if good else f"{charge} was due, charged were {seen}"


__all__ = ["PRICE", "Cell", "all_cells", "expected", "wrong_answer", "wrong_charge"]
