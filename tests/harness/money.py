"""Money computed by hand, from the rules in the documentation and by none of the product's code.

Prices are pico-US-dollars a unit, amounts nano-US-dollars; one call is rounded up once.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

PICO_PER_NANO = 1_000
NANO_PER_USD = 1_000_000_000


@dataclass(frozen=True)
class Price:
    input_pico: int = 0
    output_pico: int = 0
    cached_input_pico: int = 0
    request_pico: int = 0

    def cost_nano(self, prompt: int, completion: int, cached: int = 0) -> int:
        pico = (
            (prompt - cached) * self.input_pico
            + cached * self.cached_input_pico
            + completion * self.output_pico
            + self.request_pico
        )
        return -(-pico // PICO_PER_NANO)


def usd(nano: int) -> str:
    """The decimal text of an amount, exact."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO_PER_USD)
    return f"{sign}{whole}.{rest:09d}"


def nano_of_microusd(value: object) -> int:
    """The exact amount behind a *_microusd field, told as a decimal (text or number)."""
    nano = Fraction(str(value)) * 1_000
    if nano.denominator != 1:
        raise ValueError(f"{value!r} micro-dollars is finer than a nano-dollar")
    return int(nano)
