"""memory-isolation: whoever asks finds what they may read, and learns nothing of the rest: not by words, counts, scores, ids, errors or time.

An owner, two members and a guest say things of their own, in conversations, projects and files; each thing said has a word that nothing else
has, and a hand-written list of who may read it, which changes as conversations are shared, taken back, deleted and given back, as somebody
leaves a team, and as somebody is disabled. After each step everybody looks for every word, signed in and by a key that may read memory: by
memory, by Talk's search, by the beginning of the word as a person types it, and in the lists. What is found must be what may be read at that
moment, the counts must be those counted by hand, and no id of another's thing may come up anywhere.

One's own answers, scores included, are the same bytes before others say anything and after. An id of another's thing is answered as one that
was never made. How long a question takes is compared between words that nobody has and words that others have thousands of times; where the
machine is too noisy to see a difference that is known to be there (the others' own questions), that case is skipped and says so.
"""

from __future__ import annotations

from tests.checks.contract import Check, Metrics, Options, Outcome
from tests.checks.memory_house import CONFIG, House
from tests.checks.memory_probes import errors, looks, same_answers, timing
from tests.harness import scripts
from tests.harness.provider import Provider
from tests.harness.steward import Steward

SHOWN = 12


def run(options: Options) -> Outcome:
    answer = scripts.answer("some words come back", tokens=4)
    with Provider({"good-1": answer}) as provider, Steward(CONFIG.format(base_url=provider.base_url), env={"SCRIPT_KEY": provider.key}) as steward:
        house = House(steward, options.number("SEED", 8))
        facts = exercise(house)
        facts["told_upstream"] = house.others_words_upstream(provider)
    return Outcome(judge(facts), {fault: judge(doctored) for fault, doctored in planted(facts).items()})


def exercise(house: House) -> dict:
    facts: dict = {"alone": same_answers(house)}
    house.furnish_others()
    facts["among"] = same_answers(house)
    house.furnish_own()
    facts["looks"] = looks(house, "furnished", house.said)
    whole = len(house.said)
    for step in house.steps():
        facts["looks"] += looks(house, step, house.said[whole:])
    facts["looks"] += house.removed
    facts["errors"] = errors(house)
    facts["timing"] = timing(house)
    facts["people"] = {name: browser.person["role"] for name, browser in house.people.items()}
    facts["looks"] += looks(house, "at last", house.said)
    facts["swapped"] = looks(house, "with another's key", house.said[:whole], as_if={"Cy": "Bo", "Bo": "Cy"})
    return facts


def judge(facts: dict) -> Metrics:
    told = facts["looks"]
    own = [one for one in told if one["may"]]
    leaks = [one for one in told if not one["may"] and one["seen"]]
    counts = [one for one in told if one["kind"] == "count"]
    same = [query for query in facts["alone"] if facts["alone"][query] == facts["among"].get(query)]
    unlike = [one for one in facts["errors"] if one["theirs"] != one["nobodys"]]
    leaked = [f"{one['who']} by {one['way']}, {one['step']}: {one['what']}" for one in leaks]
    leaked += [f"an answer of one's own changed: {query}" for query in facts["alone"] if query not in same]
    leaked += [f"{one['operation']}: {one['theirs']} is not {one['nobodys']}" for one in unlike]
    leaked += [f"a question's time: {facts['timing']}"] if facts["timing"]["sees"] and facts["timing"]["differs"] else []
    leaked += [f"a model was told {word}" for word in facts["told_upstream"]]
    skipped = 0 if facts["timing"]["sees"] else 1
    return {
        "cases": len(told) + len(facts["alone"]) + len(facts["errors"]) + 1 - skipped,
        "skipped": skipped,
        "skipped_why": [] if not skipped else [f"timing: the machine is too noisy to see what is known to be there: {facts['timing']}"],
        "principals": len(facts["people"]),
        "guests": list(facts["people"].values()).count("guest"),
        "steps": len({one["step"] for one in told}),
        "own_reads": len(own),
        "own_reads_ok": sum(one["seen"] for one in own),
        "own_reads_failed": [f"{one['who']} by {one['way']}, {one['step']}: {one['what']}" for one in own if not one["seen"]][:SHOWN],
        "counts": len(counts),
        "same_answers": len(same),
        "errors": len(facts["errors"]),
        "errors_refused": sum(one["refused"] for one in facts["errors"]),
        "timing": facts["timing"],
        "leaks": len(leaked),
        "leaks_where": leaked[:SHOWN],
    }


def planted(facts: dict) -> dict[str, dict]:
    """The facts of servers that break the promise, each in one way; the first was asked for real, with one person's key in another's place."""
    at = next(i for i, one in enumerate(facts["looks"]) if not one["may"] and one["kind"] == "word")
    query = next(iter(facts["alone"]))
    error = facts["errors"][0]

    def with_look(**doctored: object) -> dict:
        return facts | {"looks": [*facts["looks"][:at], facts["looks"][at] | doctored, *facts["looks"][at + 1 :]]}

    return {
        "takes one person for another": facts | {"looks": facts["swapped"], "swapped": []},
        "shows another's word": with_look(seen=True),
        "counts others' words in a score": facts | {"among": facts["among"] | {query: "other scores"}},
        "tells that a thing is there": facts | {"errors": [error | {"theirs": "403 forbidden"}, *facts["errors"][1:]]},
        "takes longer where others have said it": facts | {"timing": facts["timing"] | {"sees": True, "differs": True}},
        "tells a model what others said": facts | {"told_upstream": ["a word"]},
        "refuses everything": facts | {"looks": [one | {"seen": False} for one in facts["looks"]]},
        "has nobody": facts | {"people": {}},
    }


CHECK = Check(
    "memory-isolation",
    run,
    {
        "own_reads_ok==all": lambda m: m["own_reads_ok"] == m["own_reads"] > 100,
        "leaks:0": lambda m: m["leaks"] == 0,
        "principals>=3": lambda m: m["principals"] >= 3 and m["guests"] >= 1,
        "same answers": lambda m: m["same_answers"] >= 5,
        "errors are told alike": lambda m: m["errors_refused"] == m["errors"] >= 20,
        "steps": lambda m: m["steps"] >= 9,
    },
)
