// For tests: a home with identity over a started journal, one organisation, and Task functions run to their end.
#pragma once
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "identity/identity.h"
#include "journal/testing.h"

namespace steward::identity {

template <class T>
T run(Task<T> task) {
  asio::io_context io;
  std::optional<T> answer;
  asio::co_spawn(io, std::move(task), [&answer](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    answer.emplace(std::move(value));
  });
  io.run();
  return std::move(*answer);
}

class IdentityHome {
 public:
  IdentityHome() { make(); }
  virtual ~IdentityHome() { home.stop(); }

  void start() {
    home.start();
    auto made = identity->bootstrap("Acme", "Ada", "Europe/Berlin");
    ASSERT_TRUE(made.has_value()) << made.error().message;
    tenant = *made;
    admin = {
        .tenant = tenant, .principal = identity->snapshot()->tenant_owner.at(tenant), .key = nullptr, .admin = true};
  }
  // A new process over the same home.
  void reopen() {
    home.wait_applied();
    prepare_reopen();
    start();
  }

  NewKey new_key(KeySpec spec) {
    if (spec.name.empty()) spec.name = "test";
    auto made = run(identity->create_key(admin, spec, {}));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made.value();
  }
  Id new_principal(PrincipalKind kind, std::string name, std::string zone = "") {
    auto made = run(identity->create_principal(admin, kind, name, zone));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made.value().id;
  }
  ManualClock& clock() { return home.clock(); }

  journal::TestHome home;
  std::unique_ptr<Identity> identity;
  Id tenant;
  Caller admin;

 protected:
  void prepare_reopen() {
    home.reopen();
    make();
  }

 private:
  void make() {
    identity = make_identity(home.journal(), home.clock(), home.random(), Log());
    home.journal().add_fold(identity->fold());
    for (auto* view : identity->views()) home.views().add(*view);
  }
};

}  // namespace steward::identity
