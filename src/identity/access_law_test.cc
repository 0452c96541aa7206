// Laws of permission on random histories, against a model that knows nothing of the fold: nobody sees what they may
// not, and everybody what they may; teams never close a circle; the tables hold what the fold holds.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "identity/access.h"
#include "identity/commands.h"
#include "identity/records.h"
#include "identity/state.h"
#include "identity/view.h"

namespace steward::identity {
namespace {

constexpr size_t kUsers = 4, kTeams = 5;

Id user(size_t i) { return fmt::format("usr_{}", i); }
Id team(size_t i) { return fmt::format("team_{}", i); }
Id member(size_t i) { return i < kUsers ? user(i) : team(i - kUsers); }

// The naive model: edges, and a search for a path.
struct Model {
  std::set<std::pair<Id, Id>> edges;  // member → group
  std::set<Id> disabled;
  bool reaches(const Id& from, const Id& to, size_t steps = 20) const {
    if (disabled.contains(from) || disabled.contains(to)) return false;
    if (from == to) return true;
    if (steps == 0) return false;
    return std::ranges::any_of(
        edges, [&](const auto& edge) { return edge.first == from && reaches(edge.second, to, steps - 1); });
  }
};

class World {
 public:
  World() {
    append({draft_of(boss, boss.tenant, "tenant.created", {{"name", "A"}, {"owner", user(0)}}, 1)});
    for (size_t i = 0; i < kUsers + kTeams; ++i)
      append(decide_create_principal(boss, {.id = member(i), .name = "n"}, 1).value());
  }
  void append(const std::vector<journal::Draft>& drafts) {
    for (const auto& draft : drafts) {
      journal::Record record;
      record.tenant = boss.tenant;
      record.seq = ++seq_;
      record.stream = draft.stream;
      record.kind = draft.kind;
      record.body = draft.body;
      record.time = draft.time;
      state.apply(record);
    }
  }
  Caller boss{.tenant = "ten_a", .principal = user(0), .key = nullptr, .admin = true};
  State state;

 private:
  journal::Seq seq_ = 0;
};

RC_GTEST_PROP(AccessLaw, NobodySeesWhatTheyMayNot, ()) {
  World world;
  Model model;
  const size_t steps = *rc::gen::inRange<size_t>(1, 40);
  for (size_t i = 0; i < steps; ++i) {
    const Id group = team(*rc::gen::inRange<size_t>(0, kTeams));
    const Id one = member(*rc::gen::inRange<size_t>(0, kUsers + kTeams));
    if (*rc::gen::inRange(0, 8) == 0 && one != user(0)) {
      const bool disabled = *rc::gen::arbitrary<bool>();
      world.append(decide_set_disabled(world.state.now(), world.boss, one, disabled, 1).value());
      if (disabled)
        model.disabled.insert(one);
      else
        model.disabled.erase(one);
      continue;
    }
    const bool in = *rc::gen::weightedElement<bool>({{3, true}, {1, false}});
    const auto drafts = decide_set_member(world.state.now(), world.boss, group, one, in, 1);
    Model enabled = model;
    enabled.disabled.clear();
    const bool circle = in && !model.edges.contains({one, group}) && enabled.reaches(group, one);
    RC_ASSERT(drafts.has_value() == !circle);
    if (!drafts) continue;
    world.append(*drafts);
    if (in)
      model.edges.insert({one, group});
    else
      model.edges.erase({one, group});
  }
  std::map<Id, std::set<Id>> acls;
  for (int i = 0; i < 6; ++i) {
    const auto picks = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, kUsers + kTeams + 1));
    std::set<Id> principals;
    for (size_t pick : picks) principals.insert(pick == kUsers + kTeams ? world.boss.tenant : member(pick));
    Id id = fmt::format("acl_{}", i);
    world.append(decide_intern_acl(world.state, world.boss, principals, id, 1).value());
    for (const auto& [other, set] : acls) RC_ASSERT((set == principals) == (other == id));
    acls[id] = principals;
  }
  const auto snapshot = world.state.snapshot();
  for (size_t i = 0; i < kUsers; ++i) {
    const std::set<Id> readable = readable_acls(*snapshot, world.boss.tenant, user(i));
    const Caller caller{.tenant = world.boss.tenant, .principal = user(i)};
    for (const auto& [id, set] : acls) {
      const bool expected = std::ranges::any_of(set, [&](const Id& p) {
        return p == world.boss.tenant ? !model.disabled.contains(user(i)) : model.reaches(user(i), p);
      });
      RC_ASSERT(readable.contains(id) == expected);
      RC_ASSERT(may(*snapshot, caller, Verb::kRead, {.tenant = world.boss.tenant, .acl = id}).has_value() == expected);
      RC_ASSERT(!may(*snapshot, caller, Verb::kWrite, {.tenant = world.boss.tenant, .acl = id}).has_value());
    }
    RC_ASSERT(readable_acls(*snapshot, "ten_other", user(i)).empty());
  }
}

}  // namespace
}  // namespace steward::identity
