"""What the pages of the web app ask beyond what programs did: calls narrowed down, use by provider, prices beside models, who changed what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.conftest import Scene, scene_with
from tests.harness.money import Price
from tests.harness.scripts import answer

MODELS = ("one", "two")


@pytest.fixture(scope="module")
def there() -> Iterator[tuple[Scene, dict[str, dict]]]:
    """Two keys of two people; each asks each model once, the first key the first model twice."""
    with scene_with({name: answer("Well.", prompt=10, tokens=5) for name in MODELS}) as scene:
        owners = {name: scene.admin.new_principal("user", name) for name in ("Anna", "Joris")}
        keys = {name: scene.admin.new_key(name, owner=owner) for name, owner in owners.items()}
        scene.admin.set_price("script", "one", Price(1_000_000, 2_000_000))
        for key, model in (("Anna", "one"), ("Anna", "one"), ("Anna", "two"), ("Joris", "one"), ("Joris", "two")):
            body = {"model": model, "messages": [{"role": "user", "content": "?"}], "max_tokens": 8}
            httpx.post(f"{scene.steward.base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {keys[key]['secret']}"}).raise_for_status()
        yield scene, keys


def calls(scene: Scene, **query: object) -> list[dict]:
    return scene.admin.pages("/calls", **query)


def test_calls_are_narrowed_by_each_thing_and_by_all_together(there):
    scene, keys = there
    assert len(calls(scene)) == 5
    assert len(calls(scene, model="one")) == 3
    assert len(calls(scene, key=keys["Anna"]["id"])) == len(calls(scene, owner=keys["Anna"]["owner"])) == 3
    assert len(calls(scene, model="one", owner=keys["Joris"]["owner"], provider="script", endpoint="chat")) == 1
    assert calls(scene, provider="local") == calls(scene, team="team_00000000000000000000000000") == []


def test_calls_are_narrowed_by_time_and_paged_within(there):
    scene, _ = there
    every = calls(scene)
    third = every[2]["at"]
    before = [one["id"] for one in every if one["at"] < third]
    assert [one["id"] for one in calls(scene, to=third)] == before
    assert [one["id"] for one in calls(scene, **{"from": third})] == [one["id"] for one in every if one["at"] >= third]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert calls(scene, **{"from": tomorrow}) == []
    assert [one["id"] for one in calls(scene, model="one", limit=1)] == [one["id"] for one in every if one["model"] == "one"]


def test_a_time_that_is_none_is_refused_by_its_name(there):
    scene, _ = there
    refused = scene.admin.http.get("/calls", params={"from": "yesterday"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "from")


def test_use_is_summed_by_provider(there):
    scene, _ = there
    rows = {(row["group"]["provider"], row["group"]["model"]): row["calls"] for row in scene.admin.usage(group_by="provider,model")}
    assert rows == {("script", "one"): 3, ("script", "two"): 2}


def test_models_tell_their_price_where_somebody_told_it(there):
    scene, _ = there
    models = {model["name"]: model for model in scene.admin.pages("/models") if model["provider"] == "script"}
    assert (models["one"]["input_usd_per_million"], models["one"]["output_usd_per_million"]) == ("1", "2")
    assert "input_usd_per_million" not in models["two"]


def test_who_changed_what_newest_first(there):
    scene, keys = there
    scene.admin.call("POST", f"/keys/{keys['Joris']['id']}/revoke")
    changes = scene.admin.pages("/changes", limit=2)
    assert [one["seq"] for one in changes] == sorted((one["seq"] for one in changes), reverse=True)
    newest = changes[0]
    assert (newest["kind"], newest["stream"]) == ("key.revoked", f"key/{keys['Joris']['id']}")
    assert newest["actor"].startswith("key_"), "the admin's key did it"
    assert {one["kind"] for one in changes} >= {"key.created", "key.revoked", "price.set", "principal.created"}
    assert not any(one["kind"].startswith(("call.", "job.")) for one in changes)
    assert [one["kind"] for one in scene.admin.pages("/changes", kind="price.")] == ["price.set"]
    secret = keys["Joris"]["secret"]
    assert secret not in str(changes)


def test_a_provider_that_refuses_its_key_is_told_so_beside_its_models(scene):
    async def locked(call):
        await call.json({"error": {"message": "Incorrect API key provided"}}, 401)

    there = scene({"open": answer("Well."), "locked": locked})
    key = {"Authorization": f"Bearer {there.admin.new_key('asks')['secret']}"}

    def ask(model: str) -> int:
        body = {"model": model, "messages": [{"role": "user", "content": "?"}], "max_tokens": 8}
        return httpx.post(f"{there.steward.base_url}/chat/completions", json=body, headers=key).status_code

    def told() -> set[tuple[str | None, bool]]:
        models = httpx.get(f"{there.steward.base_url}/models", headers=key).json()["data"]
        [provider] = [one for one in there.admin.pages("/providers") if one["name"] == "script"]
        listed = {one.get("problem") for one in there.admin.pages("/models") if one["provider"] == "script"}
        assert listed == {provider.get("problem")}
        return {(one.get("problem"), one["ready"]) for one in models if one["owned_by"] == "script"}

    assert told() == {(None, True)}
    assert ask("locked") == 502 and told() == {("key_refused", False)}
    assert ask("open") == 200 and told() == {(None, True)}, "it has answered since"
