// Money: amounts are integer nano-US-dollars (1e-9 USD), prices integer pico-US-dollars a unit; a call is rounded up
// once.
#pragma once
#include <cstdint>
#include <string>

#include "base/error.h"

namespace steward {

using NanoUsd = int64_t;  // 9.2 thousand million dollars fit
using PicoUsd = int64_t;  // price of one unit (a token, a request)

inline constexpr NanoUsd kNanoPerUsd = 1'000'000'000;
inline constexpr NanoUsd kNanoPerMicro = 1'000;

__int128 price_pico(int64_t units, PicoUsd price);  // exact
NanoUsd round_up_to_nano(__int128 pico);            // saturates at the largest amount
std::string to_usd_string(NanoUsd amount);          // "$0.000042" (trailing zeros cut, at least two decimals)
std::string to_microusd_decimal(NanoUsd amount);    // "0.042": what *_microusd fields show
Result<NanoUsd> parse_usd(std::string_view text);   // "5", "0.25", "$1.50"; at most nine decimals

}  // namespace steward
