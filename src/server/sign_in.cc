#include "server/sign_in.h"

#include "identity/password.h"
#include "identity/people.h"

namespace steward::server {
namespace {

constexpr size_t kThreads = 2;  // times identity::kArgonBytes is what signing in may take of memory
constexpr size_t kMaxQueued = 32;
constexpr int kTriesOfAddress = 4;  // times those of an account: several people may share an address
constexpr DurationUs kLongestPauseUs = 900 * kSecondUs;

// Of IPv6 the /64: whoever has one has all of it.
std::string network_of(const std::string& address) {
  size_t end = 0;
  for (int group = 0; group < 4; ++group) {
    end = address.find(':', end);
    if (end == std::string::npos) return address;
    ++end;
  }
  return address.substr(0, end);
}

}  // namespace

SignIn::SignIn(Core& core) : core_(core), pool_(kThreads, kMaxQueued), accounts_({}), addresses_({}), links_({}) {
  reload();
}

SignIn::~SignIn() { stop(); }
void SignIn::stop() { pool_.stop(); }

void SignIn::reload() {
  const auto config = core_.config.get();
  Throttle::Limits limits;
  limits.tries = static_cast<int>(config->integer("people.sign_in_tries"));
  limits.pause_us = config->integer("people.sign_in_pause_s") * kSecondUs;
  limits.longest_us = std::max(kLongestPauseUs, limits.pause_us);
  accounts_.set(limits);
  core_.people->note_sessions_every(config->integer("people.session_noted_s") * kSecondUs);
  limits.tries *= kTriesOfAddress;
  addresses_.set(limits);
  links_.set(limits);
}

Task<Result<bool>> SignIn::verify(std::optional<std::string> hash, std::string password) {
  co_return co_await pool_.run([this, hash = std::move(hash), password = std::move(password)]() -> Result<bool> {
    if (hash) return identity::verify_password(*hash, password);
    std::string dummy;
    {
      const std::scoped_lock lock(dummy_mutex_);
      if (dummy_.empty()) {
        auto made = identity::hash_password("nobody's");
        if (!made) return fail(made.error());
        dummy_ = std::move(*made);
      }
      dummy = dummy_;
    }
    (void)identity::verify_password(dummy, password);
    return false;
  });
}

Task<Result<std::string>> SignIn::hash(std::string password) {
  co_return co_await pool_.run([password = std::move(password)] { return identity::hash_password(password); });
}

Task<Status> SignIn::check(std::string account, std::string address, std::optional<std::string> hash,
                           std::string password) {
  const TimeUs now = core_.clock.now_us();
  const std::string network = network_of(address);
  auto of_address = addresses_.begin(network, now);
  if (!of_address) co_return fail(of_address.error());
  auto of_account = accounts_.begin(account, now);
  if (!of_account) co_return fail(of_account.error());
  auto right = co_await verify(std::move(hash), std::move(password));
  if (!right) {  // the server's fault, not theirs
    accounts_.take_back(account);
    addresses_.take_back(network);
    co_return fail(right.error());
  }
  if (!*right) {
    core_.log.warn("a sign-in failed", {{"address", network}, {"tries_left", *of_account}});
    co_return fail(ErrorCode::kSignInFailed,
                   *of_account > 0
                       ? fmt::format("Name and password don't fit together. {} more {}, then a pause.", *of_account,
                                     *of_account == 1 ? "try" : "tries")
                       : std::string("Name and password don't fit together. The next try is possible after a pause."),
                   {{"tries_left", *of_account}});
  }
  accounts_.succeeded(account);
  addresses_.take_back(network);
  co_return Status{};
}

Task<Result<Id>> SignIn::by_password(std::string login, std::string password, std::string address) {
  if (password.size() > identity::kMaxPasswordBytes) password.clear();
  const auto person = core_.people->find_by_login(login);
  auto hash = person ? core_.people->password_hash(*person) : std::nullopt;
  // Counted by what was typed, whether or not it is anybody's name: a count that a name and an address share would tell
  // that they are one account.
  const std::string account = "?" + identity::folded_name(login).substr(0, 256);
  if (auto good = co_await check(account, std::move(address), hash, password); !good) co_return fail(good.error());
  if (!person) co_return fail(ErrorCode::kSignInFailed);
  co_return *person;
}

Task<Status> SignIn::confirm(Id person, std::string password, std::string address) {
  auto hash = core_.people->password_hash(person);
  co_return co_await check(person, std::move(address), std::move(hash), std::move(password));
}

Status SignIn::begin_link(const std::string& address) {
  auto tries = links_.begin(network_of(address), core_.clock.now_us());
  return tries ? Status{} : Status(fail(tries.error()));
}

void SignIn::link_was_good(const std::string& address) { links_.take_back(network_of(address)); }

}  // namespace steward::server
